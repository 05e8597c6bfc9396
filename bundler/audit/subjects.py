"""Which modules of a bundle are imported to try it, by the names under which Python imports them."""

from __future__ import annotations

import configparser
import itertools
import zlib
from collections.abc import Collection, Iterator, Sequence

from bundler.audit.installed import Installed
from bundler.audit.observation import Batch
from bundler.audit.tree import BundleTree
from bundler.options import AuditDepth

STANDARD_LIBRARY = "standard library"
"""The batch of the standard library's own extension modules."""
_TOGETHER, _MOST_TOGETHER = (
    16,
    32,
)  # packages without extension modules that share a process: about so many, and at most
_SCRIPTS = ("console_scripts", "gui_scripts")


def batches_of(tree: BundleTree, depth: AuditDepth) -> tuple[Batch, ...]:
    """What is imported in which process: a top-level package with extension modules has one of its own.

    With `full` every importable top-level module is among them, and what the entry points of scripts name; with `quick` extension
    modules alone. What came after the pack is left out: whether it works is its installer's business.
    """
    whole = depth is AuditDepth.FULL
    extensions = extension_modules(tree)
    standard = extensions.pop("", [])
    batches = [Batch(STANDARD_LIBRARY, tuple(standard), metadata=whole)]
    tops = top_level_modules(tree) if whole else []
    starts: dict[str, list[str]] = {}
    for module in entry_modules(tree) if whole else ():
        starts.setdefault(module.partition(".")[0], []).append(module)
    for name, modules in extensions.items():
        first = [name] if name in tops and name not in modules else []
        batches.append(Batch(name, tuple(dict.fromkeys([*first, *modules, *starts.pop(name, [])]))))
    plain = [name for name in tops if name.partition(".")[0] not in extensions]
    for group in _groups(plain):
        modules = [*group, *itertools.chain.from_iterable(starts.pop(name, []) for name in group)]
        batches.append(Batch(group[0], tuple(dict.fromkeys(modules)), together=True))
    if rest := tuple(itertools.chain.from_iterable(starts.values())):
        batches.append(Batch("entry points", rest))
    return tuple(batches)


def _groups(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Names cut into groups behind those whose checksum says so: one more name changes one group, and leaves the others."""
    start = 0
    for number, name in enumerate(names, 1):
        if zlib.crc32(name.encode()) % _TOGETHER == 0 or number - start == _MOST_TOGETHER:
            yield names[start:number]
            start = number
    if start < len(names):
        yield names[start:]


def extension_modules(tree: BundleTree) -> dict[str, list[str]]:
    """Names of extension modules by top-level package; those of the standard library under ``."""
    installed = Installed(tree)
    batches: dict[str, list[str]] = {}
    for path, name, top in _extensions(tree):
        if not installed.came_later(path):
            batches.setdefault(top, []).append(name)
    return batches


def extension_files(tree: BundleTree) -> dict[str, str]:
    """Bundle paths of extension modules, by name."""
    return {name: path for path, name, _ in _extensions(tree)}


def _extensions(tree: BundleTree) -> Iterator[tuple[str, str, str]]:
    """Bundle path, name and top-level package of each extension module."""
    python = tree.manifest.python
    suffixes = sorted(python.extension_suffixes or (".so",), key=len, reverse=True)
    folders = [(f"{python.scheme.dynload}/", True), *((f"{folder}/", False) for folder in python.site_packages)]
    at_the_top = "/" not in python.scheme.executable  # where Windows' embeddable Python has its own
    for path in sorted(tree.files):
        suffix = next((suffix for suffix in suffixes if path.endswith(suffix)), None)
        folder = next(((folder, own) for folder, own in folders if path.startswith(folder)), None)
        if folder is None and at_the_top and "/" not in path:
            folder = ("", True)
        if suffix is None or folder is None:
            continue
        parts = path[len(folder[0]) : -len(suffix)].split("/")
        if not all(part.isidentifier() for part in parts):
            continue
        if suffix == ".so" and not tree.files[path].defines_module:
            continue  # any library may have the plain suffix
        if parts[-1] == "__init__":
            del parts[-1]  # a compiled package; under the file's own name it would be made a second time
        if parts:
            yield path, ".".join(parts), "" if folder[1] else parts[0]


def top_level_modules(tree: BundleTree) -> list[str]:
    """What an import statement can reach in the package folders; of a namespace package the packages in it."""
    installed = Installed(tree)
    found: dict[str, None] = {}
    for folder in tree.manifest.python.site_packages:
        below = [path[len(folder) + 1 :] for path in sorted(tree.files) if path.startswith(folder + "/")]
        packed = [path for path in below if path.endswith(".py") and not installed.came_later(f"{folder}/{path}")]
        packages = {path.rpartition("/")[0] for path in packed if path.endswith("/__init__.py")}
        tops = {package.partition("/")[0] for package in packages}
        namespaces = {top for top in tops if top not in packages}
        for path in packed:
            name = _top_level(path, packages, namespaces)
            if name is not None:
                found[name] = None
    return sorted(found)


def _top_level(path: str, packages: Collection[str], namespaces: Collection[str]) -> str | None:
    """The name of the outermost module that a file belongs to, namespaces above it included; None for what has no name.

    `packages` are folders with an `__init__.py`, `namespaces` top-level folders without one that hold packages.
    """
    parts = path.removesuffix(".py").split("/")
    for count in range(1, len(parts)):
        if "/".join(parts[:count]) in packages:
            parts = parts[:count]
            break
    if parts[-1] == "__init__":
        del parts[-1]
    if len(parts) > 1 and parts[0] not in namespaces:
        return None  # a file in a folder that is no package: data, most likely
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else None


def entry_modules(tree: BundleTree) -> list[str]:
    """The modules that scripts of distributions start, and the bundle's own start command."""
    installed = Installed(tree)
    found: dict[str, None] = {}
    if tree.manifest.start_module:
        found[tree.manifest.start_module] = None
    for path, seen in sorted(tree.files.items()):
        if path.endswith(".dist-info/entry_points.txt") and seen.text is not None and not installed.came_later(path):
            for module in _script_modules(seen.text.decode("utf-8", "replace")):
                found[module] = None
    return list(found)


def _script_modules(text: str) -> Iterator[str]:
    """The modules of the scripts in an `entry_points.txt` (the "Entry points" specification)."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in _SCRIPTS:
        for target in parser[section].values() if parser.has_section(section) else ():
            module = target.partition("[")[0].partition(":")[0].strip()
            if module and all(part.isidentifier() for part in module.split(".")):
                yield module
