"""Which typelibs the code of an environment requires: read from its Python files, which are not run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from bundler.entries import Entry, Source
from bundler.errors import BinaryFormatError
from bundler.files import MOST_OF_A_SCRIPT, read_regular
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.parsing import parse_python
from bundler.plan.origins import ADDED, ENVIRONMENT, PROJECT
from bundler.scheme import BundleScheme
from bundler.systems.linux.typelib import SUFFIX, Typelib, read_typelib, versions_of, with_dependencies

_PACKAGE = "gi.repository"
_HINTS = (b"gi.repository", b"from gi import", b"require_version")


class Requirement(NamedTuple):
    """A namespace that code opens."""

    namespace: str | None
    """None where the code makes up its name."""
    version: str | None = None
    """None where the code leaves it open."""
    any_version: bool = False
    """Whether the code makes up the version."""


UNTOLD = Requirement(None)
_OF_PYGOBJECT = frozenset(map(Requirement, ("GLib", "GObject", "Gio")))
"""What PyGObject opens by itself."""
_PYGOBJECT = ("gi", "pygtkcompat")
_OWN = (ENVIRONMENT, PROJECT, ADDED)


def requirements(source: bytes) -> frozenset[Requirement]:
    """What the text of a Python file requires; `UNTOLD` where it cannot be read."""
    if not any(hint in source for hint in _HINTS):
        return frozenset()
    try:
        tree = parse_python(source)
    except ValueError:
        return frozenset({UNTOLD})
    names = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "gi"
        for alias in node.names
        if alias.name == "repository"
    }
    return frozenset(requirement for node in ast.walk(tree) for requirement in _of_node(node, names))


def _of_node(node: ast.AST, repositories: set[str]) -> Iterator[Requirement]:
    """`repositories` are the file's own names for `gi.repository`."""
    match node:
        case ast.ImportFrom(module="gi.repository", level=0, names=names):
            yield from (Requirement(alias.name) for alias in names if alias.name != "*")
        case ast.ImportFrom(module=str(module), level=0):
            yield from _of_module(module)
        case ast.Import(names=names):
            for alias in names:
                yield from _of_module(alias.name)
        case ast.Attribute(value=ast.Attribute(value=ast.Name("gi"), attr="repository"), attr=name):
            yield Requirement(name)
        case ast.Attribute(value=ast.Name(name), attr=namespace) if name in repositories:
            yield Requirement(namespace)
        case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name), args=arguments) if name.startswith(
            "require_version"
        ):
            yield from _of_call(name, arguments)
        case ast.Constant(value=str(text)) if text.startswith(_PACKAGE):
            yield from _of_module(text) if text[len(_PACKAGE) + 1 :].isidentifier() else [UNTOLD]


def _of_module(name: str) -> Iterator[Requirement]:
    if name.startswith(f"{_PACKAGE}."):
        yield Requirement(name.split(".")[2])


def _of_call(function: str, arguments: list[ast.expr]) -> Iterator[Requirement]:
    """`require_version("Gtk", "3.0")`, `require_versions({"Gtk": "3.0"})`."""
    match function, arguments:
        case "require_version", [namespace, version]:
            yield _required(namespace, version)
        case "require_versions", [ast.Dict(keys=keys, values=values)]:
            for key, value in zip(keys, values, strict=True):
                yield UNTOLD if key is None else _required(key, value)
        case "require_version" | "require_versions", _:
            yield UNTOLD


def _required(namespace: ast.expr, version: ast.expr) -> Requirement:
    match namespace, version:
        case ast.Constant(value=str(name)), ast.Constant(value=str(number)):
            return Requirement(name, number)
        case ast.Constant(value=str(name)), _:
            return Requirement(name, any_version=True)
    return UNTOLD


def chosen(required: Iterable[Requirement], known: Mapping[str, Typelib]) -> set[str]:
    """The names of the typelibs that meet the requirements, with all that these need.

    Where nobody tells a namespace's version it is the newest, as for the library.
    """
    by_namespace: dict[str, set[Requirement]] = {}
    for each in required:
        if each.namespace is None:
            return {*known}
        by_namespace.setdefault(each.namespace, set()).add(each)
    names = set()
    for namespace, wanted in by_namespace.items():
        there = versions_of(namespace, known)
        told = {f"{namespace}-{each.version}" for each in wanted if each.version is not None}
        names |= {*there} if any(each.any_version for each in wanted) else told or {*there[:1]}
    return with_dependencies(names, known)


class RequiredTypelibs:
    """The typelibs that a bundle's code requires, and the libraries that they open.

    Where no code of the environment's own names one, the application is elsewhere: then it is all of them.
    """

    def __init__(self, there: Mapping[str, str], entries: Mapping[str, Entry], scheme: BundleScheme) -> None:
        """`there` are the real paths of the typelibs that may come along, by bundle path."""
        known = {os.path.basename(path)[: -len(SUFFIX)]: read for path, real in there.items() if (read := _read(real))}
        of_bundle = [
            read
            for path, entry in entries.items()
            if path.endswith(SUFFIX) and isinstance(entry.content, Source) and (read := _read(entry.content.path))
        ]
        required, is_told = _required_by_code(entries, scheme)
        names = chosen(required, known) if is_told or of_bundle else {*known}
        names |= with_dependencies([name for typelib in of_bundle for name in typelib.dependencies], known)
        opening = [*of_bundle, *(known[name] for name in sorted(names))]
        self.files = tuple(f"{name}{SUFFIX}" for name in sorted(names))
        """Their file names."""
        self.libraries = tuple(dict.fromkeys(name for typelib in opening for name in typelib.libraries))
        """As the typelibs name them."""


def _required_by_code(entries: Mapping[str, Entry], scheme: BundleScheme) -> tuple[set[Requirement], bool]:
    """What the code of the bundle requires, and whether some of it is the environment's own."""
    overrides: dict[str, list[Source]] = {}
    found: set[Requirement] = {*_OF_PYGOBJECT}
    is_told = False
    for path, entry in entries.items():
        if not isinstance(entry.content, Source) or not _is_code(path, scheme):
            continue
        package = os.path.basename(scheme.package_of(path) or "")
        if package in _PYGOBJECT:
            if "/gi/overrides/" in path:
                overrides.setdefault(os.path.basename(path)[:-3], []).append(entry.content)
        elif required := requirements(_bytes(entry.content.path)):
            found |= required
            is_told = is_told or entry.origin.startswith(_OWN)
    read: set[str] = set()
    while new := {each.namespace for each in found if each.namespace in overrides} - read:
        read |= {name for name in new if name is not None}
        found |= {
            each for name in new for content in overrides[name or ""] for each in requirements(_bytes(content.path))
        }
    return found, is_told


def _is_code(path: str, scheme: BundleScheme) -> bool:
    """Whether a file is Python that somebody else than Python itself may have written."""
    if scheme.is_script(path):
        return path != scheme.executable
    standard = path.startswith(f"{scheme.stdlib}/") and not path.startswith(f"{scheme.site_packages}/")
    return path.endswith(".py") and not standard


def _bytes(path: str) -> bytes:
    return read_regular(path, MOST_OF_A_SCRIPT)


def _read(path: str) -> Typelib | None:
    try:
        return read_typelib(_bytes(path))
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return None
