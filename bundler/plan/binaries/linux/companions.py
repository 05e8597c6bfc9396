"""What comes along with libraries of the host because they open it by themselves, and what does not.

Flow: a guess by the names that files need -> the closure with it -> what the libraries that came along name really -> again where
that is something else. Nothing is assumed of a path: it is read in the library.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bundler.companions import CompanionFact, CompiledInPath
from bundler.machine import os
from bundler.plan.binaries.linux.compiled_in import CompiledInPaths
from bundler.plan.binaries.linux.module_companions import ModuleTaken
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary, is_listed
from bundler.systems.linux.companions import (
    BelowPrefix,
    Beside,
    Companion,
    CompiledIn,
    FoundByItself,
    Pointing,
    QtPath,
    companions_of,
    is_searched_for,
)
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.module_companions import module_companions_of

_ORIGIN = "$ORIGIN/"
NOWHERE = "/dev/null"
"""Below it there is nothing, on any machine."""
_MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What comes along with one library."""

    fact: CompanionFact
    files: tuple[tuple[str, str], ...]
    """Bundle paths, and the real files on this machine."""
    pointing: Pointing
    constant: tuple[str, str] | None = None
    """The path in the library, and what takes its place."""
    qt: QtPath | None = None
    """The line of `qt.conf` that names it."""


@dataclass(frozen=True, slots=True)
class Companions:
    """What comes along with the libraries of a bundle."""

    taken: tuple[Taken, ...] = ()
    unled: tuple[CompanionFact, ...] = ()
    """What would come along if something could lead its library there."""
    led: tuple[ModuleTaken, ...] = ()
    """What lines in a Python package lead to."""
    closed: tuple[tuple[str, str, str], ...] = ()
    """Paths that shall lead nowhere: the bundle path of the library, the path, and what takes its place."""

    @property
    def all(self) -> tuple[Taken | ModuleTaken, ...]:
        """In whichever way it is found."""
        return (*self.taken, *self.led)

    @property
    def files(self) -> dict[str, str]:
        """Real files of this machine by bundle path."""
        return dict(pair for taken in self.all for pair in taken.files)

    @property
    def opens(self) -> tuple[str, ...]:
        """Names, or paths, of the libraries that are opened by way of it."""
        return tuple(dict.fromkeys(name for taken in self.led for name in taken.opens))

    @property
    def constants(self) -> dict[str, dict[str, str]]:
        """Old and new constants, by the bundle path of the library that has them."""
        found: dict[str, dict[str, str]] = {}
        for taken in self.taken:
            if taken.constant is not None:
                found.setdefault(taken.fact.library, {}).update([taken.constant])
        for library, old, new in self.closed:
            found.setdefault(library, {})[old] = new
        return found


@dataclass(slots=True)
class CompanionFinder:
    """Finds them."""

    sysroot: Sysroot
    compiled_in: CompiledInPaths
    excluded: frozenset[str]
    """Names that the user leaves to the host."""
    libraries: str
    """The bundle path of the folder for libraries."""
    library_folders: frozenset[str]
    """Names of folders that the loader searches: what lies there is found by other means."""
    by_modules: Callable[[str, str], tuple[ModuleTaken, ...]] = lambda _path, _real: ()
    """What lines in a Python package lead a library to, by its bundle path and its real file."""
    dlopen_knows_origin: bool = True
    """Whether the loader replaces `$ORIGIN` in a path that a library opens."""

    def settle(self, libraries: Sequence[BundledLibrary], assumed: Companions) -> Companions:
        """What comes along with libraries of the host, where `assumed` was among the files that asked for them.

        A library that only something assumed asks for counts where that comes along rightly. If something was assumed that does not
        come along, the answer is nothing at all: what only it asked for is among the libraries.
        """
        found = self._of_all(_reached(libraries, assumed))
        return found if {*assumed.all} <= {*found.all} else Companions()

    def _of_all(self, libraries: Iterable[BundledLibrary]) -> Companions:
        known = [(library.path, library.source) for library in libraries]
        taken = sorted((taken for each in known for taken in self._of(*each)), key=_place)
        led = sorted((taken for each in known for taken in self.by_modules(*each)), key=_place)
        newest = max((each.qt.version for each in taken if each.qt is not None), default=0)
        unled = [each for each in taken if not self._is_led(each, newest)]
        plain = tuple(each for each in taken if each not in unled)
        closed = [
            (each.fact.library, path, new)
            for each in led
            for path in fnmatch.filter(self.compiled_in.named(dict(known)[each.fact.library]), each.closed)
            if (new := nowhere(path)) is not None
        ]
        return Companions(plain, tuple(each.fact for each in unled), tuple(led), tuple(closed))

    def _is_led(self, taken: Taken, newest: int) -> bool:
        """Whether its library finds it in the bundle; `newest` is the version of Qt that `qt.conf` is written for."""
        if taken.pointing is Pointing.CONSTANT:
            return self.dlopen_knows_origin
        return taken.qt is None or taken.qt.version == newest

    def guess(self, names: Iterable[str], cache: Mapping[str, tuple[str, ...]], folder: str) -> Companions:
        """What comes along with libraries that are needed by name, if these are the loader's cache's and come along to `folder`."""
        needed = (name for name in sorted(names) if _has_companions(name) and cache.get(name))
        likely = [
            BundledLibrary(f"{folder}/{name}", self.sysroot.real(self.sysroot.path_of(cache[name][0])), (), ())
            for name in needed
        ]
        return self._of_all(
            library for library in likely if not is_listed(os.path.basename(library.path), self.excluded)
        )

    def elf_files(self, companions: Companions) -> Iterator[ElfFile]:
        """Those that are libraries themselves."""
        for path, real in companions.files.items():
            if (image := self.compiled_in.image(real)) is not None and image.dynamic is not None:
                yield ElfFile(path, self.sysroot.name_of(real), image, brought=True)

    def left(self, libraries: Iterable[BundledLibrary], companions: Companions) -> tuple[CompiledInPath, ...]:
        """Folders with files that libraries of the host name, and that do not come along."""
        taken = {(each.fact.library, each.fact.origin.partition(":")[2]) for each in companions.taken}
        taken |= {(each.fact.library, folder) for each in companions.led for folder in each.folders}
        found = [CompiledInPath(fact.library, fact.origin.partition(":")[2], fact.files) for fact in companions.unled]
        for library in libraries:
            named = [os.path.normpath(path) for path in self.compiled_in.named(library.source)]
            # What it names by a longer path as well is told, or came along, by that.
            apart = {*named, *(folder for path, folder in taken if path == library.path)}
            for path in named:
                if (library.path, path) in taken or not is_searched_for(path) or path in self.library_folders:
                    continue
                if count := self._count(path, apart):
                    found.append(CompiledInPath(library.path, path, count))
        return tuple(sorted({*found}))

    def _of(self, path: str, real: str) -> Iterator[Taken]:
        for line in companions_of(os.path.basename(path)):
            match line.source:
                case CompiledIn(pattern, kept):
                    for constant in self.compiled_in.named(real):
                        replacement = relocated(constant, kept)
                        if fnmatch.fnmatchcase(constant.rstrip("/"), pattern) and replacement is not None:
                            place = f"{os.path.dirname(path)}/{_end(constant, kept)}"
                            yield from self._taken(line, path, constant, place, (constant, replacement))
                case FoundByItself(pattern, inside):
                    for constant in fnmatch.filter(self.compiled_in.named(real), pattern):
                        yield from self._taken(
                            line, path, constant, os.path.normpath(f"{os.path.dirname(path)}/{inside}")
                        )
                case BelowPrefix(folder):
                    origin = os.path.join(os.path.dirname(self.sysroot.name_of(real)), folder)
                    yield from self._taken(line, path, origin, os.path.relpath(origin, "/usr"))
                case Beside(folder):
                    origin = f"{os.path.dirname(self.sysroot.name_of(real))}/{folder}"
                    yield from self._taken(line, path, origin, f"{self.libraries}/{folder}")

    def _taken(
        self, line: Companion, library: str, folder: str, place: str, constant: tuple[str, str] | None = None
    ) -> Iterator[Taken]:
        """What a line takes along from a folder, by name, to a place in the bundle; nothing where nothing is there."""
        if files := tuple(self._files(line, folder, place)):
            fact = CompanionFact(
                *(library, place, f"host:{os.path.normpath(folder)}", len(files)),
                *(line.what, line.without, line.pointing.value),
            )
            yield Taken(fact, files, line.pointing, constant, line.qt)

    def _files(self, line: Companion, folder: str, place: str) -> Iterator[tuple[str, str]]:
        """The files in a folder and below it, by their bundle paths; links to folders are not followed."""
        top = self.sysroot.real(self.sysroot.path_of(folder))
        for found, folders, names in os.walk(top):
            folders.sort()
            inside = os.path.relpath(found, top)
            for name in sorted(fnmatch.filter(names, line.files)):
                path = os.path.join(found, name)
                if self.sysroot.is_file(path) and not is_listed(name, self.excluded):
                    yield os.path.normpath(f"{place}/{inside}/{name}"), self.sysroot.real(path)

    def _count(self, path: str, apart: Collection[str]) -> int:
        """The number of files in a folder and below it, but for some folders, as far as it is worth counting."""
        count = 0
        top = self.sysroot.real(self.sysroot.path_of(path))
        for found, folders, names in os.walk(top):
            count += len(names)
            if count >= _MOST_COUNTED:
                break
            folders[:] = [
                each
                for each in folders
                if os.path.normpath(f"{path}/{os.path.relpath(found, top)}/{each}") not in apart
            ]
        return count


def qt_conf(companions: Companions, scripts: str) -> str | None:
    """`qt.conf` for programs in the folder `scripts`; None where no Qt comes along.

    One file is read by every Qt. Source: Qt's `QLibraryInfo`.
    """
    up = "/".join(".." for _ in scripts.split("/"))
    lines = [f"{taken.qt.key}={taken.fact.path}\n" for taken in companions.taken if taken.qt is not None]
    return f"[Paths]\nPrefix={up}\n{''.join(lines)}" if lines else None


def _place(taken: Taken | ModuleTaken) -> tuple[str, str]:
    return taken.fact.library, taken.fact.path


def _has_companions(library: str) -> bool:
    """Whether the tables have a line for a library of this file name."""
    return any(companions_of(library)) or any(module_companions_of(library))


def _reached(libraries: Sequence[BundledLibrary], assumed: Companions) -> list[BundledLibrary]:
    """The libraries that files of the environment lead to, by way of other libraries and what comes along with these."""
    begun = {library.path for library in libraries} | assumed.files.keys()
    brought: dict[str, set[str]] = {}
    for taken in assumed.all:
        brought.setdefault(taken.fact.library, set()).update(path for path, _ in taken.files)
    reached: set[str] = set()
    grown = True
    while grown:
        new = {
            library.path
            for library in libraries
            if library.path not in reached and any(path in reached or path not in begun for path in library.needed_by)
        }
        new |= {path for library in new for path in brought.get(library, ())}
        grown = bool(new - reached)
        reached |= new
    return [library for library in libraries if library.path in reached]


def relocated(constant: str, kept: int) -> str | None:
    """A path of the same length below `$ORIGIN` with the last `kept` parts of `constant`; None where it is too short for that.

    The end stays where it is, bytes and all: a string that a compiler has put into the end of this one stays right.
    """
    end = _end(constant, kept)
    slashes = len(constant) - len(_ORIGIN) - len(end) - (len(constant) - len(constant.rstrip("/")))
    if slashes < 0:
        return None
    return _ORIGIN + "/" * slashes + end + "/" * (len(constant) - len(constant.rstrip("/")))


def nowhere(constant: str) -> str | None:
    """An absolute path of the same length that leads nowhere on any machine, and ends alike; None where there is no room."""
    end = _end(constant, 1)
    room = len(constant.rstrip("/")) - len(NOWHERE) - len(end)
    return NOWHERE + "/" * room + end + constant[len(constant.rstrip("/")) :] if room > 0 else None


def _end(constant: str, kept: int) -> str:
    return "/".join(constant.rstrip("/").split("/")[-kept:])
