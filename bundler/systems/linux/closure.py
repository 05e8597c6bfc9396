"""The closure: every shared library that a set of ELF files needs, and where the source's loader finds it.

A worklist over DT_NEEDED. Files are read, never run. What is found gets a place in the bundle: where it lies already, in
`lib/bundled/`, or on the host; what is found nowhere is a fact about the source, not an error.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.elf import Image, read_image
from bundler.systems.linux.glibc import resolve
from bundler.systems.linux.loader import Files, LoadedObject, SystemLibraries
from bundler.systems.linux.policy import stays_on_host

BUNDLED = "lib/bundled"


@dataclass(frozen=True, slots=True)
class Binary:
    """An ELF file of the bundle: its bundle path, the name by which the source's loader finds it, its headers."""

    path: str
    source: str
    image: Image

    @property
    def is_program(self) -> bool:
        """Whether the kernel starts it: it names a program interpreter, and not by being a library."""
        return self.image.interpreter is not None and ".so" not in os.path.basename(self.path)


@dataclass(frozen=True, slots=True)
class Inside:
    """A NEEDED that the bundle's file at `path` shall satisfy."""

    path: str


@dataclass(frozen=True, slots=True)
class OnHost:
    """A NEEDED that stays with the host."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """A NEEDED that no search finds, but whose name a file of the bundle has: the package loads it beforehand."""

    path: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A NEEDED that is found nowhere."""


Location = Inside | OnHost | Preloaded | Missing


@dataclass(frozen=True, slots=True)
class BundledLibrary:
    """A library of the host that comes along: `source` is the real file on this machine, `aliases` are more names for it."""

    path: str
    source: str
    image: Image
    aliases: tuple[str, ...]
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything found. `needs` is by bundle path, then by NEEDED name, in the order of the file."""

    bundled: tuple[BundledLibrary, ...]
    needs: Mapping[str, Mapping[str, Location]]
    loaded_by: Mapping[str, str | None]
    """The first file that loads each file, by bundle paths, requesters first; None for what Python itself opens."""
    host: tuple[str, ...]
    """Names that stay with the host; those that the user leaves to it are among them, asked for or not."""
    clashes: tuple[tuple[str, str, str], ...]
    """A NEEDED name, and the two different files that it means to different requesters."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the closure asks about the machine and the plan."""

    files: Files
    system: SystemLibraries
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
    binaries: Iterable[Binary], executable: Binary, libpython: Binary | None, surroundings: Surroundings
) -> Closure:
    """The closure of `binaries`, which include the interpreter and libpython."""
    search = _Search(executable, libpython, surroundings)
    for binary in binaries:
        search.add_root(binary)
    for wanted in surroundings.included:
        search.include(wanted)
    return search.result()


@dataclass(slots=True)
class _Bundled:
    path: str
    source: str
    image: Image
    aliases: dict[str, None]
    needed_by: dict[str, None]


class _Search:
    """The state of one search."""

    def __init__(self, executable: Binary, libpython: Binary | None, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._interpreter = tuple(
            LoadedObject.from_image(binary.source, binary.image)
            for binary in (libpython, executable)
            if binary is not None
        )
        self._executable = executable
        self._roots: dict[str, Binary] = {}
        self._needs: dict[str, dict[str, Location]] = {}
        self._loaded_by: dict[str, str | None] = {}
        self._bundled: dict[str, _Bundled] = {}
        self._taken: dict[str, str] = {}
        self._included: list[tuple[str, str, Image]] = []
        self._host: dict[str, None] = {}
        self._clashes: dict[tuple[str, str, str], None] = {}
        self._forced = frozenset(os.path.basename(name) for name in surroundings.included)

    def add_root(self, binary: Binary) -> None:
        self._roots[binary.path] = binary

    def include(self, wanted: str) -> None:
        """Take a library along by name or path."""
        path = wanted if "/" in wanted else next(iter(self._around.system.cache.get(wanted, ())), None)
        if path is None or not self._around.files.is_library(path):
            raise LookupError(wanted)
        _, library = self._bundle(os.path.basename(wanted), path, self._executable.path)
        self._included.append(library)

    def result(self) -> Closure:
        """Search from every root, those that Python opens first, then settle what only its package finds."""
        for binary in self._roots.values():
            self._visit(binary.path, binary.source, binary.image, self._chain(binary), None)
        for path, source, image in self._included:
            self._visit(path, source, image, self._interpreter, None)
        self._settle_missing()
        bundled = tuple(
            BundledLibrary(item.path, item.source, item.image, tuple(sorted(item.aliases)), tuple(item.needed_by))
            for item in sorted(self._bundled.values(), key=lambda item: item.path)
        )
        host = tuple(sorted({*self._host, *self._around.excluded}))
        return Closure(bundled, self._needs, self._loaded_by, host, tuple(self._clashes))

    def _chain(self, binary: Binary) -> tuple[LoadedObject, ...]:
        """What stands behind a root in the chain of loaders: the interpreter, but for programs of their own."""
        if binary.is_program or binary.path == self._executable.path:
            return ()
        return tuple(loaded for loaded in self._interpreter if loaded.path != binary.source)

    def _visit(
        self, path: str, source: str, image: Image, loaders: tuple[LoadedObject, ...], requester: str | None
    ) -> None:
        """Resolve what one file needs, then what that needs, breadth first."""
        queue = deque([(path, source, image, loaders, requester)])
        while queue:
            path, source, image, loaders, requester = queue.popleft()
            known = self._needs.setdefault(path, {})
            if known and not any(isinstance(location, Missing) for location in known.values()):
                continue
            self._loaded_by.setdefault(path, requester)
            chain = (LoadedObject.from_image(source, image), *loaders)
            for name in image.needed:
                if name in known and not isinstance(known[name], Missing):
                    continue
                location, next_step = self._locate(name, path, chain)
                known[name] = location
                if next_step is not None:
                    queue.append((*next_step, chain, path))

    def _locate(
        self, name: str, requester: str, chain: Sequence[LoadedObject]
    ) -> tuple[Location, tuple[str, str, Image] | None]:
        """Where a NEEDED is found, and the file to go on with."""
        short = os.path.basename(name)
        around = self._around
        if short in around.excluded or (stays_on_host(short) and short not in self._forced):
            self._host[short] = None
            return OnHost(), None
        found = resolve(name, chain, around.files, around.system, around.library_path)
        if found is None:
            return Missing(), None
        inside = around.bundle_path(found.path)
        if inside is not None:
            root = self._roots.get(inside)
            if root is None:
                return Inside(inside), None
            return Inside(inside), (inside, root.source, root.image)
        return self._bundle(short, found.path, requester)

    def _bundle(self, name: str, path: str, requester: str) -> tuple[Location, tuple[str, str, Image]]:
        """Give a library of the host its place; the same file under a second name becomes an alias."""
        real = self._around.real_path(path)
        item = self._bundled.get(real)
        if item is None:
            with open(real, "rb") as file:
                image = read_image(file)
            soname = os.path.basename(image.soname or name)
            place = f"{self._free_folder((soname, name), real)}/{soname}"
            item = self._bundled[real] = _Bundled(place, real, image, {}, {})
            self._taken[place] = real
        place = f"{os.path.dirname(item.path)}/{name}"
        if self._taken.get(place, real) != real:
            place = f"{self._free_folder((name,), real)}/{name}"
        self._taken[place] = real
        if place != item.path:
            item.aliases[place] = None
        item.needed_by[requester] = None
        return Inside(place), (item.path, path, item.image)

    def _free_folder(self, names: Sequence[str], real: str) -> str:
        """`lib/bundled`, or the first numbered folder below it, where no other file has one of these names."""
        first = None
        for number in itertools.count(1):
            folder = BUNDLED if number == 1 else f"{BUNDLED}/{number}"
            holders = (self._taken.get(f"{folder}/{name}", real) for name in names)
            other = next((holder for holder in holders if holder != real), None)
            if other is None:
                break
            first = first or other
        if first is not None:
            self._clashes[(names[-1], first, real)] = None
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
