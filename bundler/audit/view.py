"""A bundle that was read, as the systems' checks see it (`systems.bundle_view.BundleView`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import BinaryIO

from bundler.audit.installed import Installed
from bundler.audit.tree import BundleTree
from bundler.audit.wheels import Wheels
from bundler.binaries.format import NO_FUNCTIONS, NO_VERSIONS, Functions, SymbolVersions
from bundler.bundle_paths import BundleRoot
from bundler.scheme import BundleScheme
from bundler.systems.bundle_view import Told, Wheel
from bundler.systems.libraries import NeededBy, UnprovidedVersion

_VERSION = re.compile(r"(\d+)\.(\d+)")
_LIBRARY = re.compile(r"\.so(\.\d+)*$")


def _version(text: str) -> tuple[int, int]:
    """X and Y of a version; of one that is none 0."""
    match = _VERSION.match(text)
    return (int(match[1]), int(match[2])) if match is not None else (0, 0)


class TreeView:
    """See `systems.bundle_view.BundleView`."""

    def __init__(self, tree: BundleTree, open_file: Callable[[str], BinaryIO] | None = None) -> None:
        """`open_file` opens a file of the bundle, where that can be."""
        self.open_file = open_file
        self._tree = tree
        self.root = BundleRoot(tree.root)
        self.scheme: BundleScheme = tree.manifest.python.scheme
        self.python = _version(tree.manifest.python.version)
        self.extension_suffixes = tree.manifest.python.extension_suffixes
        self.host_libraries = frozenset(tree.manifest.host_libraries)
        self.loader = tree.manifest.loader
        self.host_libc = tree.manifest.host_libc
        self.missing = frozenset(NeededBy(item.path, item.needed) for item in tree.manifest.missing)
        self.unprovided = frozenset(
            UnprovidedVersion(item.path, item.library, item.version) for item in tree.manifest.unprovided
        )
        self.unbound = {item.path: frozenset(item.symbols) for item in tree.manifest.unbound}

    @cached_property
    def told(self) -> Told:
        """What the manifest tells. Libraries are those that came from the host, those that were changed, and libpython."""
        tree, manifest = self._tree, self._tree.manifest
        packed, installed = manifest.files.keys(), Installed(tree)
        libraries = {fact.path for fact in manifest.bundled} | {change.path for change in manifest.changed}
        libraries |= {path for path in packed if self.scheme.is_libpython(path)}
        return Told(
            manifest.machine,
            manifest.floor,
            manifest.ceiling,
            packed,
            frozenset(path for path in tree.files.keys() - packed if installed.replaced(path)),
            frozenset(path for path in libraries & tree.files.keys() if _LIBRARY.search(path)),
        )

    @cached_property
    def images(self) -> dict[str, object]:
        """The headers of every binary, by bundle path in order."""
        return {path: seen.image for path, seen in sorted(self._tree.files.items()) if seen.image is not None}

    @cached_property
    def versions(self) -> dict[str, SymbolVersions]:
        """The versions of symbols that binaries need and have, by bundle path in order."""
        files = sorted(self._tree.files.items())
        return {path: seen.versions for path, seen in files if seen.versions != NO_VERSIONS}

    @cached_property
    def functions(self) -> dict[str, Functions]:
        """What binaries take from others, and have, of the functions that were asked about, by bundle path in order."""
        files = sorted(self._tree.files.items())
        return {path: seen.functions for path, seen in files if seen.functions != NO_FUNCTIONS}

    @cached_property
    def binary_faults(self) -> dict[str, tuple[str, ...]]:
        """Why a system would refuse to load binaries, by bundle path in order."""
        files = sorted(self._tree.files.items())
        return {path: seen.binary_faults for path, seen in files if seen.binary_faults}

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """The content of files that configure the bundle or a distribution, by bundle path in order."""
        return {path: seen.text for path, seen in sorted(self._tree.files.items()) if seen.text is not None}

    @cached_property
    def scripts(self) -> dict[str, bytes]:
        """The beginnings of scripts, and small programs as a whole, by bundle path in order."""
        packed = self._tree.files.keys() & self._tree.manifest.files.keys()
        heads = {path: self._tree.files[path].head for path in sorted(packed) if self.scheme.is_script(path)}
        return {path: head for path, head in heads.items() if head}

    def follow(self, path: str) -> str | None:
        """The bundle path behind the links of a bundle path."""
        return self._tree.follow(path)

    def wheel_of(self, path: str) -> Wheel | None:
        """By the RECORDs."""
        return self._wheels.of(path)

    def needed_by(self, path: str) -> tuple[str, ...]:
        """By the manifest."""
        return next((fact.needed_by for fact in self._tree.manifest.bundled if fact.path == path), ())

    @cached_property
    def _wheels(self) -> Wheels:
        return Wheels({path: seen.text for path, seen in self._tree.files.items() if seen.text is not None})
