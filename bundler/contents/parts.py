"""What a person calls the parts of a bundle: its distributions, and what belongs to none."""

from __future__ import annotations

import enum
from collections.abc import Callable

from bundler.bundle_paths import folder_among, lies_in
from bundler.contents.model import Contents, FileKind, Item
from bundler.manifest import Manifest
from bundler.plan.origins import ADDED, BASE, BUNDLER, HOST, PROJECT


class Part(enum.Enum):
    """What belongs to no distribution."""

    INTERPRETER = "interpreter"
    STANDARD_LIBRARY = "standard library"
    HOST = "host libraries"
    """With what they open by themselves."""
    HEADERS = "headers"
    ADDED = "added files"
    BUNDLER = "made by bundler"
    LATER = "added after the pack"
    OTHER = "other files"


def part_finder(contents: Contents) -> Callable[[Item], Part | None]:
    """What tells the part that a path belongs to; None for one of a distribution."""
    manifest = contents.manifest
    bundled = {fact.path for fact in manifest.bundled}
    companions = frozenset(fact.path for fact in manifest.companions)
    packages = frozenset(manifest.python.site_packages)

    def part(item: Item) -> Part | None:
        if item.owner:
            return None
        if item.path in bundled or folder_among(item.path, companions) is not None:
            return Part.HOST
        return _part(item, manifest, packages)

    return part


def _part(item: Item, manifest: Manifest, packages: frozenset[str]) -> Part:
    python = manifest.python
    scheme, path = python.scheme, item.path
    if _is_interpreter(item, manifest):
        return Part.INTERPRETER
    if item.origin.startswith((ADDED, PROJECT)):
        return Part.ADDED
    if any(lies_in(path, folder) for folder in (scheme.bundled, scheme.libc) if folder) or item.origin.startswith(HOST):
        return Part.HOST
    of_library = lies_in(path, scheme.stdlib) or lies_in(path, scheme.dynload) or path == scheme.stdlib_zip
    if of_library and folder_among(path, packages) is None:
        return Part.STANDARD_LIBRARY
    if item.origin == BUNDLER:
        return Part.BUNDLER
    if not item.origin:
        return Part.LATER
    return Part.HEADERS if scheme.include and lies_in(path, scheme.include) else Part.OTHER


def _is_interpreter(item: Item, manifest: Manifest) -> bool:
    """Python's own program, its library, and their other names."""
    python = manifest.python
    if item.path in (python.executable, python.library) or python.scheme.is_libpython(item.path):
        return True
    program = item.path.rpartition("/")[2].startswith("python")
    is_python_s = item.kind in (FileKind.PROGRAM, FileKind.LINK) and item.origin.startswith((BASE, BUNDLER))
    return program and is_python_s and python.scheme.is_script(item.path)
