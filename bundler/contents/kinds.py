"""What a file of a bundle is, by its name, its place and what was read of it."""

from __future__ import annotations

import re
from collections.abc import Collection

from bundler.audit.seen_files import SeenFile
from bundler.bundle_paths import folder_among
from bundler.contents.model import FileKind
from bundler.manifest import PythonFacts
from bundler.trees import MANIFEST

_MODULES = re.compile(r"\.pyi?w?$")
_COMPILED = re.compile(r"\.py[co]$")
_HEADERS = re.compile(r"\.(h|hh|hpp|hxx|cuh|pxd)$")
_LIBRARIES = re.compile(r"\.(so(\.\d+)*|dylib|dll|pyd)$", re.IGNORECASE)
_METADATA = (MANIFEST, "pyvenv.cfg")
_INFO = re.compile(r"[^/]+\.(dist|egg)-info(/|$)")
_SHELL = b"#!"


class Kinds:
    """Tells the kind of each file of a bundle."""

    def __init__(self, python: PythonFacts, programs: Collection[str], loaded: Collection[str]) -> None:
        """`programs` are files that the system starts, `loaded` those that a loader reads (see `systems.surveys`)."""
        self._python = python
        self._programs = programs
        self._loaded = loaded
        self._packages = frozenset(python.site_packages)
        self._modules = self._packages | {python.scheme.dynload, python.stdlib}
        self._at_the_top = "/" not in python.executable  # where Windows' embeddable Python has its own
        self._suffixes = tuple(suffix for suffix in python.extension_suffixes if suffix != ".so")

    def kind(self, path: str, seen: SeenFile) -> FileKind:
        """The kind of the file at a bundle path."""
        if path in self._programs:
            return FileKind.PROGRAM
        if seen.image is not None and (path in self._loaded or _LIBRARIES.search(path)):
            return FileKind.EXTENSION if self._is_extension(path, seen) else FileKind.LIBRARY
        if path in _METADATA or self._is_of_distribution(path):
            return FileKind.METADATA
        if _COMPILED.search(path):
            return FileKind.COMPILED
        if self._python.scheme.is_script(path) or seen.head.startswith(_SHELL):
            return FileKind.SCRIPT
        if _MODULES.search(path):
            return FileKind.MODULE
        return FileKind.HEADER if _HEADERS.search(path) else FileKind.DATA

    def _is_of_distribution(self, path: str) -> bool:
        """Whether a file lies in a distribution's folder of metadata."""
        folder = folder_among(path, self._packages)
        return folder is not None and _INFO.match(path, len(folder) + 1) is not None

    def _is_extension(self, path: str, seen: SeenFile) -> bool:
        """Whether Python imports a library: it has a suffix that no other has, or the function that makes a module of its name."""
        in_a_folder = folder_among(path, self._modules) is not None or (self._at_the_top and "/" not in path)
        return in_a_folder and (path.endswith(self._suffixes) or seen.defines_module)
