"""The closure: every shared library that a set of ELF files needs, and where the source's loader finds it.

A worklist over DT_NEEDED. Files are read, never run. What is found gets a place in the bundle: where it lies already, in
`lib/bundled/`, or on the host; what is found nowhere is a fact about the source, not an error.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bundler.binaries.elf import Image, read_image
from bundler.systems.libraries import (
    BundledLibrary,
    Clash,
    FreeNames,
    InBundle,
    LibraryFacts,
    Location,
    Missing,
    OnHost,
    Preloaded,
)
from bundler.systems.linux.loader import LoadedObject, Loader, LoaderView, SystemLibraries
from bundler.systems.linux.policy import stays_on_host


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF file of the bundle: its bundle path, the name by which the source's loader finds it, its headers."""

    path: str
    source: str
    image: Image

    @property
    def is_program(self) -> bool:
        """Whether the kernel starts it: it names a program interpreter, and not by being a library."""
        return self.image.interpreter is not None and ".so" not in os.path.basename(self.path)


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything found: the facts for the plan, and what the choice of search paths needs beside them."""

    facts: LibraryFacts
    images: Mapping[str, Image]
    """The headers of the bundled libraries, by bundle path."""
    loaded_by: Mapping[str, str | None]
    """The first file that loads each file, by bundle paths, requesters first; None for what Python itself opens."""
    clashes: tuple[Clash, ...]


@dataclass(frozen=True, slots=True)
class ClosureContext:
    """What the closure asks about the machine and the plan."""

    loader: Loader
    files: LoaderView
    system: SystemLibraries
    bundled_folder: str
    """The bundle path of the folder for libraries of the host."""
    library_path: tuple[str, ...]
    """LD_LIBRARY_PATH of the environment, split."""
    bundle_path: Callable[[str], str | None]
    """The bundle path at which a file, named as the loader names it, is taken along already, or None."""
    excluded: frozenset[str] = frozenset()
    """Names that the user leaves to the host."""
    included: tuple[str, ...] = ()
    """Names or paths that the user takes along although nothing asks for them, or although they are the host's."""
    real_path: Callable[[str], str] = os.path.realpath
    """From a file's name to its path on this machine, all links followed."""


def find_closure(
    binaries: Iterable[ElfFile], executable: ElfFile, libpython: ElfFile | None, context: ClosureContext
) -> Closure:
    """The closure of `binaries`, which include the interpreter and libpython."""
    search = _Search(executable, libpython, context)
    for binary in binaries:
        search.add_root(binary)
    for wanted in context.included:
        search.include(wanted)
    return search.result()


@dataclass(slots=True)
class _Bundled:
    path: str
    source: str
    image: Image
    aliases: dict[str, None]
    needed_by: dict[str, None]


class _Step(NamedTuple):
    """A file whose needs are to be found: where it is, what stands behind it in the chain of loaders, who loads it."""

    path: str
    source: str
    image: Image
    loaders: tuple[LoadedObject, ...]
    requester: str | None


class _Target(NamedTuple):
    """A file that was found: its bundle path, the name by which the loader found it, its headers."""

    path: str
    source: str
    image: Image


class _Search:
    """The state of one search."""

    def __init__(self, executable: ElfFile, libpython: ElfFile | None, context: ClosureContext) -> None:
        self._context = context
        self._interpreter = tuple(
            LoadedObject.from_image(binary.source, binary.image)
            for binary in (libpython, executable)
            if binary is not None
        )
        self._executable = executable
        self._roots: dict[str, ElfFile] = {}
        self._needs: dict[str, dict[str, Location]] = {}
        self._loaded_by: dict[str, str | None] = {}
        self._bundled: dict[str, _Bundled] = {}
        self._names = FreeNames(context.bundled_folder)
        self._included: list[_Target] = []
        self._host: dict[str, None] = {}
        self._clashes: dict[Clash, None] = {}
        self._forced = frozenset(os.path.basename(name) for name in context.included)

    def add_root(self, binary: ElfFile) -> None:
        self._roots[binary.path] = binary

    def include(self, wanted: str) -> None:
        """Take a library along by name or path."""
        path = wanted if "/" in wanted else next(iter(self._context.system.cache.get(wanted, ())), None)
        if path is None or not self._context.files.is_library(path):
            raise LookupError(wanted)
        _, library = self._bundle(os.path.basename(wanted), path, self._executable.path)
        self._included.append(library)

    def result(self) -> Closure:
        """Search from every root, those that Python opens first, then settle what only its package finds."""
        for binary in self._roots.values():
            self._visit(_Step(binary.path, binary.source, binary.image, self._chain(binary), None))
        for library in self._included:
            self._visit(_Step(*library, self._interpreter, None))
        self._settle_missing()
        bundled = sorted(self._bundled.values(), key=lambda item: item.path)
        facts = LibraryFacts(
            tuple(
                BundledLibrary(item.path, item.source, tuple(sorted(item.aliases)), tuple(item.needed_by))
                for item in bundled
            ),
            self._needs,
            tuple(sorted({*self._host, *self._context.excluded})),
        )
        return Closure(facts, {item.path: item.image for item in bundled}, self._loaded_by, tuple(self._clashes))

    def _chain(self, binary: ElfFile) -> tuple[LoadedObject, ...]:
        """What stands behind a root in the chain of loaders: the interpreter, but for programs of their own."""
        if binary.is_program or binary.path == self._executable.path:
            return ()
        return tuple(loaded for loaded in self._interpreter if loaded.path != binary.source)

    def _visit(self, start: _Step) -> None:
        """Resolve what one file needs, then what that needs, breadth first."""
        queue = deque([start])
        while queue:
            step = queue.popleft()
            known = self._needs.setdefault(step.path, {})
            if known and not any(isinstance(location, Missing) for location in known.values()):
                continue
            self._loaded_by.setdefault(step.path, step.requester)
            chain = (LoadedObject.from_image(step.source, step.image), *step.loaders)
            for name in step.image.needed:
                if name in known and not isinstance(known[name], Missing):
                    continue
                location, target = self._locate(name, step.path, chain)
                known[name] = location
                if target is not None:
                    queue.append(_Step(*target, chain, step.path))

    def _locate(self, name: str, requester: str, chain: Sequence[LoadedObject]) -> tuple[Location, _Target | None]:
        """Where a NEEDED is found, and the file to go on with."""
        short = os.path.basename(name)
        context = self._context
        if short in context.excluded or (stays_on_host(short) and short not in self._forced):
            self._host[short] = None
            return OnHost(), None
        found = context.loader.resolve(name, chain, context.files, context.system, context.library_path)
        if found is None:
            return Missing(), None
        inside = context.bundle_path(found.path)
        if inside is not None:
            root = self._roots.get(inside)
            return InBundle(inside), None if root is None else _Target(inside, root.source, root.image)
        return self._bundle(short, found.path, requester)

    def _bundle(self, name: str, path: str, requester: str) -> tuple[Location, _Target]:
        """Give a library of the host its place; the same file under a second name becomes an alias."""
        real = self._context.real_path(path)
        item = self._bundled.get(real)
        if item is None:
            with open(real, "rb") as file:
                image = read_image(file)
            soname = os.path.basename(image.soname or name)
            place = f"{self._free_folder((soname, name), real)}/{soname}"
            item = self._bundled[real] = _Bundled(place, real, image, {}, {})
            self._names.taken[place] = real
        place = f"{os.path.dirname(item.path)}/{name}"
        if self._names.taken.get(place, real) != real:
            place = f"{self._free_folder((name,), real)}/{name}"
        self._names.taken[place] = real
        if place != item.path:
            item.aliases[place] = None
        item.needed_by[requester] = None
        return InBundle(place), _Target(item.path, path, item.image)

    def _free_folder(self, names: Sequence[str], real: str) -> str:
        """Where no other file has one of these names; that there was one is noted."""
        folder, other = self._names.folder_for(names, real)
        if other is not None:
            self._clashes[Clash(names[-1], other, real)] = None
        return folder

    def _settle_missing(self) -> None:
        """What no search finds, but a file of the environment is called: its package loads it beforehand."""
        by_name: dict[str, str] = {}
        for path, binary in self._roots.items():
            for name in (os.path.basename(path), binary.image.soname or ""):
                by_name.setdefault(name, path)
        for needs in self._needs.values():
            for name, location in needs.items():
                if isinstance(location, Missing) and os.path.basename(name) in by_name:
                    needs[name] = Preloaded(by_name[os.path.basename(name)])
