"""A dynamic loader of Linux as a seam: how it finds a library, from what it sees. The closure and the audit use it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bundler.binaries.elf import Image
from bundler.platforms import Libc, Machine
from bundler.sysroot import HOST, Sysroot

DF_1_NODEFLIB = 0x800  # elf.h: ignore the default directories and the cache


class LoaderView(Protocol):
    """What exists, in the name space of absolute paths that the loader would see: names of a sysroot, or of a bundle."""

    def is_library(self, path: str) -> bool:
        """Whether `path` is, links followed, a regular ELF file of the class and machine that is wanted."""

    def is_there(self, path: str) -> bool:
        """Whether anything lies at `path`, links followed: a library or not."""

    def normal(self, path: str) -> str:
        """The absolute `path` without `.` and `..`, where it leads to the same file; else as it is."""


class Via(enum.Enum):
    """What led to a library."""

    PATH = "a name with a slash"
    RPATH = "DT_RPATH"
    LIBRARY_PATH = "LD_LIBRARY_PATH"
    RUNPATH = "DT_RUNPATH"
    CACHE = "ld.so.cache"
    DEFAULT = "a default directory"


@dataclass(frozen=True, slots=True)
class Found:
    """The path by which a library is found (not its real path), and what led there."""

    path: str
    via: Via


@dataclass(frozen=True, slots=True)
class LoadedObject:
    """An object as the loader sees it once it is mapped.

    `path` is the absolute path by which it was found: its directory is $ORIGIN (for the main program, the real path).
    `rpath` and `runpath` hold the entries as written; `runpath` is None where there is no DT_RUNPATH.
    """

    path: str
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] | None = None
    no_default_libraries: bool = False

    @classmethod
    def from_image(cls, path: str, image: Image) -> LoadedObject:
        """The object that a file at `path` becomes."""
        return cls(
            path,
            tuple(image.rpath.split(":")) if image.rpath is not None else (),
            tuple(image.runpath.split(":")) if image.runpath is not None else None,
            bool(image.flags_1 & DF_1_NODEFLIB),
        )


NOBODY = LoadedObject("/")
"""One that searches for itself alone: it has no search path."""


@dataclass(frozen=True, slots=True)
class SystemLibraries:
    """How the host itself finds a library: paths by name in the order of its cache, then its default directories.

    `lib` and `platforms` are what $LIB and $PLATFORM may stand for there.
    """

    cache: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_directories: tuple[str, ...] = ()
    lib: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()


class Around(NamedTuple):
    """What a search depends on beside the requester: absolute directories, in order."""

    inherited: tuple[str, ...] = ()
    """Those that the objects which brought the requester pass on, the nearest first, the main program's last."""
    library_path: tuple[str, ...] = ()
    """Those of LD_LIBRARY_PATH."""


class Loader(Protocol):
    """The rules of one libc's loader.

    A library that is loaded already answers to its names before anything is searched; these rules are for what is not.
    """

    @property
    def libc(self) -> Libc:
        """Whose loader it is."""

    @property
    def libc_name(self) -> str | None:
        """The name of libc itself beside the loader; None where the loader is libc."""

    @property
    def opened_by_libc(self) -> tuple[str, ...]:
        """Names that libc opens by itself in processes with threads."""

    @property
    def answers_to_soname(self) -> bool:
        """Whether a library that is loaded answers to its DT_SONAME; else to the name by which a search found it, alone."""

    @property
    def dlopen_asks_caller(self) -> bool:
        """Whether `dlopen` looks into the directories of the object that calls it; else into those of the main program alone."""

    @property
    def dlopen_knows_origin(self) -> bool:
        """Whether `$ORIGIN` in a path that is given to `dlopen` is the folder of the object that calls it."""

    @property
    def heeds_stacks(self) -> bool:
        """Whether it matters which stack a library asks for (PT_GNU_STACK)."""

    @property
    def rpath_beats_library_path(self) -> bool:
        """Whether DT_RPATH is searched before LD_LIBRARY_PATH. Where it is not, no search path shields a file from that."""

    def resolve(
        self, name: str, requester: LoadedObject, around: Around, view: LoaderView, system: SystemLibraries
    ) -> Found | None:
        """Where a name that `requester` asks for, as a NEEDED or by `dlopen`, is found; None where it is not."""

    def answers_to(self, name: str) -> bool:
        """Whether the loader itself is what a name means, wherever files of that name may lie."""

    def passed_on(self, loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> tuple[str, ...]:
        """The directories of `loaded` that are searched for what it brings along, too."""

    def asks_around(self, loaded: LoadedObject) -> bool:
        """Whether inherited directories are searched for what `loaded` needs itself."""

    def directories(
        self, entries: Sequence[str], loaded: LoadedObject, view: LoaderView, system: SystemLibraries
    ) -> tuple[str, ...]:
        """The absolute directories that a search path of `loaded`, or LD_LIBRARY_PATH of that program, stands for."""

    def expand(self, entry: str, loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> Iterator[str]:
        """All that an element of a search path of `loaded` may stand for."""

    def system_libraries(
        self, machine: Machine, sysroot: Sysroot = HOST, program: Image | None = None
    ) -> SystemLibraries:
        """How programs for `machine` in `sysroot` find libraries without a search path of their own.

        `program` may name a loader that is not the system's, and looks elsewhere.
        """

    def libc_family(self, system: SystemLibraries, sysroot: Sysroot) -> Mapping[str, str]:
        """The libraries of libc's build in `sysroot` by their names, but for the loader: their paths as the sysroot has them."""

    def directories_file(self, loader: str) -> str | None:
        """The file that says which directories are searched last by a loader at a path; None where that is compiled in."""
