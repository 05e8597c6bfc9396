"""Editables that hook the import system: a module in site-packages knows where the project's modules lie.

The module is read, never run. Each back end writes a module of its own form: setuptools 64 and later, scikit-build-core,
meson-python 0.13 and later, and the library `editables` that hatchling and pdm-backend can use.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bundler.errors import UnsupportedEditable
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file, unless_failing
from bundler.parsing import parse_literal, parse_python
from bundler.plan.editables.mapping import EditableFiles, FileMapping
from bundler.plan.editables.meson import read_install_plan
from bundler.plan.project import importable
from bundler.sysroot import HOST, Sysroot


def read_hook(path: str, suffixes: tuple[str, ...], root: Sysroot = HOST) -> EditableFiles | None:
    """What the hook module at `path` brings; None for a module of no known form.

    `suffixes` are those of extension modules; the module has names of `root`. meson-python's leads to a file with further names,
    which is read in this machine's own root alone. Raises UnsupportedEditable for one whose build folder is gone.
    """
    try:
        tree = parse_python(read_regular(path))
    except (OSError, ValueError) as error:
        unless_failing(error, path)
        return None
    if not root.is_host:
        _name_paths(tree, root)
    for reader in (_setuptools, _scikit_build, _meson, _editables):
        files = reader(tree, suffixes) if root.is_host or reader is not _meson else None
        if files is not None:
            return files
    return None


def _name_paths(tree: ast.Module, root: Sysroot) -> None:
    """Put the paths in the places of all texts that are names of a root."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and root.is_name(node.value):
            node.value = root.path_of(node.value)


def _setuptools(tree: ast.Module, suffixes: tuple[str, ...]) -> EditableFiles | None:
    """MAPPING gives a path, without a file's suffix, for each module; NAMESPACES the folders of namespace packages."""
    assigned = dict(_assigned(tree))
    mapping, namespaces = assigned.get("MAPPING"), assigned.get("NAMESPACES")
    if not isinstance(mapping, dict):
        return None
    mappings = []
    for name, folders in _named(namespaces):
        for folder in _texts(folders):
            if is_dir(folder):
                below = importable(folder, suffixes)
                mappings += [FileMapping(os.path.join(folder, found), f"{_path(name)}/{found}") for found in below]
    for name, place in _named(mapping):
        mappings += _module(name, place, suffixes) if isinstance(place, str) else ()
    return EditableFiles("setuptools (finder)", tuple(mappings))


def _scikit_build(tree: ast.Module, suffixes: tuple[str, ...]) -> EditableFiles | None:
    """The last call: `install(modules, wheel files, folders of packages, …)`, or `install_inplace(packages, paths, …)`."""
    for name, arguments in _calls(tree):
        if name == "install" and len(arguments) > 2:
            modules, wheel, packages = arguments[:3]
            if isinstance(modules, dict) and isinstance(wheel, dict) and isinstance(packages, dict):
                return EditableFiles("scikit-build-core (redirect)", tuple(_redirected(modules, packages)))
        if name == "install_inplace" and len(arguments) > 1:
            known, places = arguments[:2]
            if isinstance(known, list) and isinstance(places, list):
                inside = _in_places([*_texts(known)], [*_texts(places)], suffixes)
                found = tuple(FileMapping(source, module) for module, source in inside)
                return EditableFiles("scikit-build-core (inplace)", found)
    return None


def _redirected(modules: dict[object, object], packages: dict[object, object]) -> Iterator[FileMapping]:
    """Whole folders of packages, for the data in them; and the modules that lie in none of these where they belong."""
    placed: dict[str, str] = {}
    for name, folders in _named(packages):
        for folder in _texts(folders):
            if os.path.isabs(folder) and is_dir(folder):
                placed[folder] = _path(name)
                yield FileMapping(folder, _path(name))
    for name, source in _named(modules):
        if not isinstance(source, str):
            continue
        file = os.path.basename(source)
        target = (
            f"{_path(name)}/{file}" if file.startswith("__init__.") else f"{_path(name)}{os.path.splitext(file)[1]}"
        )
        if placed.get(os.path.dirname(source)) != os.path.dirname(target):
            yield FileMapping(source, target)


def _in_places(modules: list[str], places: list[str], suffixes: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and paths of the modules that are in the folders."""
    for place in places:
        if not os.path.isdir(place):
            raise UnsupportedEditable(
                f"an editable of scikit-build-core leads to {place}, which is not there", "install it again"
            )
        for found in importable(place, suffixes):
            if found.partition(".")[0] in modules:
                yield found, os.path.join(place, found)


def _meson(tree: ast.Module, _suffixes: tuple[str, ...]) -> EditableFiles | None:
    """A call names the package, its modules and the build folder, which has the plan of what is installed where."""
    for name, arguments in _calls(tree):
        if name in ("install", "MesonpyMetaFinder") and len(arguments) >= 4 and isinstance(arguments[2], str):
            return EditableFiles("meson-python", read_install_plan(str(arguments[0]), arguments[2]))
    return None


def _editables(tree: ast.Module, _suffixes: tuple[str, ...]) -> EditableFiles | None:
    """The library `editables`: one call of `map_module(name, file)` for each."""
    mappings = []
    for name, arguments in _calls(tree):
        if name == "map_module" and len(arguments) == 2 and all(isinstance(argument, str) for argument in arguments):
            module, source = str(arguments[0]), str(arguments[1])
            file = os.path.basename(source)
            if file.startswith("__init__."):
                mappings.append(FileMapping(os.path.dirname(source), _path(module)))
            else:
                mappings.append(FileMapping(source, _path(module) + os.path.splitext(file)[1]))
    return EditableFiles("the library editables", tuple(mappings)) if mappings else None


def _module(name: str, place: str, suffixes: tuple[str, ...]) -> Iterator[FileMapping]:
    """A package's folder, or the file that `place` means with a suffix put to it."""
    if is_dir(place):
        yield FileMapping(place, _path(name))
        return
    for suffix in ("", ".py", ".pyc", *suffixes):
        if is_file(place + suffix):
            end = suffix or os.path.splitext(place)[1]
            yield FileMapping(place + suffix, _path(name) + end)
            return
    yield FileMapping(place, _path(name))  # where it is gone, who plans says so


def _named(value: object) -> Iterator[tuple[str, object]]:
    """What a literal has by names that can be a module's; nothing of another literal."""
    for name, item in value.items() if isinstance(value, dict) else ():
        if isinstance(name, str) and name and all(part and "/" not in part for part in name.split(".")):
            yield name, item


def _texts(value: object) -> Iterator[str]:
    """The texts in a literal that has several, each one that can be a path."""
    for item in value if isinstance(value, (list, tuple)) else ():
        if isinstance(item, str) and "\0" not in item:
            yield item


def _path(module: str) -> str:
    return module.replace(".", "/")


def _assigned(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """Names at the top of a module with the literals that they are given."""
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                literal = _literal(value)
                if literal is not None:
                    yield name, literal


def _calls(tree: ast.Module) -> Iterator[tuple[str, list[object]]]:
    """Every call, with its function's last name and its arguments where they are literals (None for others)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, [_literal(argument) for argument in node.args]


def _literal(node: ast.expr) -> object:
    try:
        return parse_literal(node)
    except ValueError:
        return None
