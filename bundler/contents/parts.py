"""What a person calls the parts of a bundle: its distributions, and what belongs to none."""

from __future__ import annotations

import enum
from collections.abc import Callable

from bundler.bundle_paths import folder_among, lies_in
from bundler.contents.model import Contents, FileKind, Item
from bundler.plan.origins import ADDED, BUNDLER, HOST, PROJECT
from bundler.scheme import BundleScheme
from bundler.systems import system_named


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
    """What tells the part that a path belongs to; None for one of a distribution. Raises UnsupportedBundle."""
    manifest = contents.manifest
    python, system = manifest.python, system_named(manifest.system)
    bundled = {fact.path for fact in manifest.bundled}
    companions = frozenset(fact.path for fact in manifest.companions)
    packages = frozenset(python.site_packages)

    def is_python_s(path: str) -> bool:
        in_library = lies_in(path, python.stdlib) or lies_in(path, python.scheme.dynload)
        known = in_library or path == python.scheme.stdlib_zip or system.is_of_python(path, python.scheme)
        return known and folder_among(path, packages) is None

    def part(item: Item) -> Part | None:
        if item.owner:
            return None
        if item.path in bundled or folder_among(item.path, companions) is not None:
            return Part.HOST
        if item.path in (python.executable, python.library) or python.scheme.is_libpython(item.path):
            return Part.INTERPRETER
        return _of_python(item, python.scheme) if is_python_s(item.path) else _elsewhere(item, python.scheme)

    return part


def _of_python(item: Item, scheme: BundleScheme) -> Part:
    """Which part of Python a file is."""
    is_started = item.kind in (FileKind.PROGRAM, FileKind.LINK) and item.path.rpartition("/")[2].startswith("python")
    if is_started:
        return Part.INTERPRETER
    return Part.HEADERS if scheme.include and lies_in(item.path, scheme.include) else Part.STANDARD_LIBRARY


def _elsewhere(item: Item, scheme: BundleScheme) -> Part:
    if item.origin.startswith((ADDED, PROJECT)):
        return Part.ADDED
    if any(lies_in(item.path, folder) for folder in (scheme.bundled, scheme.libc) if folder) or item.origin.startswith(
        HOST
    ):
        return Part.HOST
    if item.origin == BUNDLER:
        return Part.BUNDLER
    return Part.OTHER if item.origin else Part.LATER
