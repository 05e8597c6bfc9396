"""What can be changed in an ELF file, and what comes out: the values of the patcher."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bundler.binaries.elf import constants as c
from bundler.binaries.patch import Patch
from bundler.errors import UnwritableString
from bundler.floor import Release
from bundler.option_kinds import refuse_single_texts


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class PathTag(Enum):
    """The dynamic tag that carries a search path."""

    RPATH = c.DT_RPATH
    """Wins over LD_LIBRARY_PATH (glibc), and is passed on to the libraries that the object needs."""
    RUNPATH = c.DT_RUNPATH
    """Yields to LD_LIBRARY_PATH, serves this object alone, and cuts it off from inherited paths."""


@dataclass(frozen=True, slots=True)
class Edits:
    """All that shall change in one file: the state that is wanted, so that doing it twice is doing it once."""

    rpath: str | Unchanged | None = UNCHANGED
    """The new search path; None or "" removes every DT_RPATH and DT_RUNPATH. A colon only separates. Empty elements,
    which would mean the current directory, are dropped."""
    needed: Mapping[str, str] = field(default_factory=dict)
    """New names of NEEDED libraries, by the old ones. The records of their symbol versions follow. A name that the file
    does not need is ignored."""
    path_tag: PathTag = PathTag.RPATH
    """The tag of the new search path. It takes the other tag's slot, so that a file never has both."""
    added: Sequence[str] = ()
    """Libraries that shall be needed behind all others. One that is needed already stays in its place."""
    removed: Collection[str] = ()
    """Libraries that shall be needed no more. A name that the file does not need is ignored."""
    soname: str | Unchanged = UNCHANGED
    interpreter: str | Unchanged = UNCHANGED
    unversioned: Collection[str] = ()
    """Dynamic symbols that shall be bound without a version. A version that only they ask for goes."""
    clear_execstack: bool = False
    """Whether the file shall ask for no executable stack: glibc 2.41 and later refuse a library that does."""
    without_resolution_cache: bool = False
    """Whether a note of absolute paths that the loader of NixOS prefers to search paths shall say nothing any more."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """New texts of constant strings, by the old ones, which are as long: code may hold their lengths. One that the file does not
    have is ignored."""
    prepended: Sequence[str] = ()
    """Libraries that shall be needed in front of all others, in this order: their symbols are found first. One that is
    needed already moves there."""

    own_loader: str | Unchanged | None = UNCHANGED
    """The loader that the program shall map itself, in place of the kernel: a path relative to the program's folder, links
    followed; None for the kernel's (`interpreter`) again, and no `own_rpath`."""
    host_floor: Release | Unchanged | None = UNCHANGED
    """With a loader of its own: the oldest glibc of a host whose loader, `interpreter`, the program maps instead; None for
    none, and no `own_rpath`."""
    own_rpath: str | Unchanged | None = UNCHANGED
    """The search path in place of `rpath` where the program chose its own loader (`host_floor`); None for the same one."""

    def __post_init__(self) -> None:
        """Raises BadOption for one text where several are wanted."""
        refuse_single_texts(self)


def search_path(directories: Iterable[str]) -> str:
    """The search path of `directories`, in order; UnwritableString for a colon in one of them: it cannot be escaped."""
    directories = list(directories)
    for directory in directories:
        if ":" in directory:
            raise UnwritableString(
                f"the directory {directory!r} cannot stand in a search path: a colon separates directories",
                "rename the directory",
            )
    return ":".join(directories)


class Tier(Enum):
    """How the edits found room; each value says it in a line."""

    T0 = "in place"
    T1 = "in the page slack of a segment"
    T2 = "behind the last segment's zeros"
    T3 = "in a new segment"


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """A patch, and how it finds room."""

    patch: Patch
    tier: Tier
    """The tier that found room."""
    explanation: str
    """What the patch does, in a sentence."""
    reasons: tuple[str, ...] = ()
    """One sentence for each lower tier that had no room, with the numbers."""
