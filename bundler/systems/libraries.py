"""Shared libraries in words that hold for every system: where a needed one lies, and which come along."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from bundler.companions import CompanionFact, CompiledInPath
from bundler.floor import Floor


@dataclass(frozen=True, slots=True)
class InBundle:
    """A needed library that the bundle's file at `path` shall be."""

    path: str


@dataclass(frozen=True, slots=True)
class OnHost:
    """A needed library that stays with the host."""


@dataclass(frozen=True, slots=True)
class Preloaded:
    """A needed library that no search finds, but whose name a file of the bundle has: the package loads it beforehand."""

    path: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A needed library that is found nowhere."""


Location = InBundle | OnHost | Preloaded | Missing


@dataclass(frozen=True, slots=True)
class BundledLibrary:
    """A library of the host that comes along."""

    path: str
    """Its bundle path."""
    source: str
    """The real file on this machine."""
    aliases: tuple[str, ...]
    """Bundle paths of further names, which are links to it."""
    needed_by: tuple[str, ...]
    """Bundle paths of the files that ask for it."""


class NeededBy(NamedTuple):
    """A name that a file of the bundle asks for: the file's bundle path, and the name."""

    path: str
    name: str


class UnprovidedVersion(NamedTuple):
    """A version of symbols that a file (its bundle path) needs of a library, and that the one which is found does not have."""

    path: str
    library: str
    version: str


class UnboundSymbols(NamedTuple):
    """Symbols that a file (its bundle path) asks for at once when it is loaded, and that nothing has."""

    path: str
    symbols: tuple[str, ...]


class Outcome(enum.Enum):
    """What became of a library that a file says it opens at run time."""

    BUNDLED = "bundled"
    HOST = "left to the host"
    LEFT_OUT = "left out"
    """It is there, and does not come along: the file does well without it."""
    MISSING = "missing"


class NotedLibrary(NamedTuple):
    """A library that a file of the bundle says it opens at run time."""

    path: str
    """The file's bundle path."""
    sonames: tuple[str, ...]
    """Its names, of which the first that is there is taken."""
    priority: str
    """`required`, `recommended`, `suggested`."""
    feature: str
    outcome: Outcome
    library: str | None = None
    """The bundle path of the one that comes along."""


class Clash(NamedTuple):
    """One name that means two files of this machine to different requesters."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """What a bundle's binaries need, and where it is."""

    bundled: tuple[BundledLibrary, ...]
    needs: Mapping[str, Mapping[str, Location]]
    """By the bundle path of a file, then by the name that it asks for, in the file's order."""
    host: tuple[str, ...]
    """Names that stay with the host; those that the user leaves to it are among them, asked for or not."""
    noted: tuple[NotedLibrary, ...] = ()
    """What files say that they open at run time, in the order of their paths."""
    companions: tuple[CompanionFact, ...] = ()
    """What comes along with libraries because they open it by themselves."""
    compiled_in: tuple[CompiledInPath, ...] = ()
    """What they name and what does not come along."""
    loader: str = ""
    """The bundle path of the loader that comes along with libc, and starts the bundle's programs; "" where the target's does."""
    host_libc: Floor | None = None
    """The oldest libc of a target that is used in place of the one that comes along; None where none is."""
    unprovided: tuple[UnprovidedVersion, ...] = ()
    """What the libraries that are found do not have, in the source either."""
    unbound: tuple[UnboundSymbols, ...] = ()
    """What nothing has, in the source either."""

    @property
    def left_to_host(self) -> Iterator[NeededBy]:
        """What asks for libraries that stay with the host."""
        for path, needs in sorted(self.needs.items()):
            for name, location in needs.items():
                if isinstance(location, OnHost):
                    yield NeededBy(path, name)

    @property
    def missing(self) -> Iterator[NeededBy]:
        """What is found nowhere."""
        for path, needs in sorted(self.needs.items()):
            for name, location in needs.items():
                if isinstance(location, Missing):
                    yield NeededBy(path, name)


def is_listed(name: str, patterns: Collection[str]) -> bool:
    """Whether a file name is one of `patterns`: names, with or without a version, or patterns of a shell (`libmpi*`)."""
    return any(
        name == pattern or name.startswith(pattern + ".") or ("*" in pattern and fnmatchcase(name, pattern))
        for pattern in patterns
    )


@dataclass(slots=True)
class FreeNames:
    """Which names below the folder of bundled libraries are taken, and by which files of this machine."""

    folder: str
    taken: dict[str, str] = field(default_factory=dict)
    """Files (real paths) by bundle path."""

    def folder_for(self, names: Sequence[str], source: str) -> tuple[str, str | None]:
        """The folder, or the first numbered one below it, where no other file has one of `names`.

        With it comes the first other file that was met, or None.
        """
        first = None
        for number in itertools.count(1):
            folder = self.folder if number == 1 else f"{self.folder}/{number}"
            holders = (self.taken.get(f"{folder}/{name}", source) for name in names)
            other = next((holder for holder in holders if holder != source), None)
            if other is None:
                return folder, first
            first = first or other
        raise AssertionError("numbers do not end")
