"""What processes of a Python had after their imports, as values."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from bundler.machine import os


class Finder(NamedTuple):
    """What finds modules beside Python's own finders: its type, and the absolute paths that it holds."""

    kind: str
    paths: tuple[str, ...]


class LeftBy(enum.Enum):
    """Who leaves a module out of a bundle."""

    USER = "user"
    PROFILE = "profile"


class EntryPoint(NamedTuple):
    """An entry point as `importlib.metadata` sees it."""

    group: str
    name: str
    value: str


class InstalledDistribution(NamedTuple):
    """A distribution as `importlib.metadata` sees it."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Modules that are imported one after the other, in one process where that lives so long."""

    name: str
    modules: tuple[str, ...]
    metadata: bool = False
    """Whether distributions and entry points are listed, too."""
    together: bool = False
    """Whether its modules have nothing to do with each other, and share a process to save time."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one batch's processes had. Paths are absolute, as that Python and the kernel tell them."""

    batch: str
    failed: Mapping[str, str] = field(default_factory=dict)
    """Errors by the names of modules that could not be imported, in their order."""
    search_path: tuple[str, ...] = ()
    modules: Mapping[str, str] = field(default_factory=dict)
    """Files of modules, by name."""
    libraries: frozenset[str] | None = None
    """Shared libraries that were mapped; None where nobody tells."""
    opened: frozenset[str] = frozenset()
    """Names by which libraries were asked for with ctypes."""
    finders: tuple[Finder, ...] = ()
    distributions: frozenset[InstalledDistribution] = frozenset()
    entry_points: frozenset[EntryPoint] = frozenset()
    asked: frozenset[str] = frozenset()
    """Names of modules outside of packages that were looked for, found or not."""
    metadata: frozenset[str] = frozenset()
    """Files of distributions' metadata that were opened, there or not, and folders in which distributions were looked for."""
    listed: frozenset[str] = frozenset()
    """Folders that were listed by other code than Python's own search for modules and metadata."""
    read: frozenset[str] = frozenset()
    """Other files that were opened, there or not, by other code than Python's import of modules."""
    programs: frozenset[str] = frozenset()
    """Programs of the machine that were started, and paths before them on PATH where nothing is."""
    spawned: bool = False
    """Whether another process was begun of which nothing is seen, this Python's own among them."""
    broken: str = ""
    """How the process ended, where it ended before its first import or behind its last; else ""."""
    missed: frozenset[str] = frozenset()
    """Modules that were looked for, and that it was not to find."""
    needing: Mapping[str, LeftBy] = field(default_factory=dict)
    """Of the modules that failed those that need what was left out, and by whom."""

    def with_paths(self, path_here: Callable[[str], str]) -> Observation:
        """The same with each path as this machine has it, where the processes saw others."""
        if path_here is str:
            return self

        def all_here(paths: Iterable[str]) -> frozenset[str]:
            return frozenset(map(path_here, paths))

        return replace(
            self,
            search_path=tuple(map(path_here, self.search_path)),
            modules={name: path_here(file) for name, file in self.modules.items()},
            libraries=None if self.libraries is None else all_here(self.libraries),
            finders=tuple(Finder(kind, tuple(map(path_here, paths))) for kind, paths in self.finders),
            metadata=all_here(self.metadata),
            listed=all_here(self.listed),
            read=all_here(self.read),
            programs=all_here(self.programs),
        )

    def without(self, folder: str, *others: str) -> Observation:
        """What is left where nothing of `folder`, a home, and of `others` counts (absolute, without links)."""
        below = tuple(place + os.sep for place in (folder, *others))

        def counts(path: str) -> bool:
            return not f"{path}{os.sep}".startswith(below)

        return replace(
            self,
            failed={name: error.replace(folder, "~") for name, error in self.failed.items()},
            search_path=tuple(filter(counts, self.search_path)),
            modules={name: file for name, file in self.modules.items() if counts(file)},
            libraries=None if self.libraries is None else frozenset(filter(counts, self.libraries)),
            finders=tuple(Finder(kind, tuple(filter(counts, paths))) for kind, paths in self.finders),
        )


def merged(observations: Sequence[Observation]) -> Observation:
    """One observation of the processes of one batch, the last one's where there can be but one."""
    last = observations[-1]
    return Observation(
        last.batch,
        {name: error for item in observations for name, error in item.failed.items()},
        last.search_path,
        {name: file for item in observations for name, file in item.modules.items()},
        libraries_of(observations),
        frozenset().union(*(item.opened for item in observations)),
        last.finders,
        last.distributions,
        last.entry_points,
        frozenset().union(*(item.asked for item in observations)),
        frozenset().union(*(item.metadata for item in observations)),
        frozenset().union(*(item.listed for item in observations)),
        frozenset().union(*(item.read for item in observations)),
        frozenset().union(*(item.programs for item in observations)),
        any(item.spawned for item in observations),
        last.broken,
        frozenset().union(*(item.missed for item in observations)),
        {name: who for item in observations for name, who in item.needing.items()},
    )


def libraries_of(observations: Iterable[Observation]) -> frozenset[str] | None:
    """The shared libraries that the processes had; None where nobody tells."""
    known = [item.libraries for item in observations if item.libraries is not None]
    return frozenset().union(*known) if known else None


def all_failed(observations: Iterable[Observation]) -> dict[str, str]:
    """The modules that could not be imported, with their errors."""
    return {name: error for item in observations for name, error in item.failed.items()}
