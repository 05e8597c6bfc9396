"""What can be changed in a Mach-O file, and what comes out: the values of the patcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.binaries.patch import Patch
from bundler.option_kinds import refuse_single_texts


@dataclass(frozen=True, slots=True)
class Edits:
    """All that shall change in one file, in each of its slices. Names that are not there are ignored."""

    install_name: str | None = None
    """The new LC_ID_DYLIB. A file without one, a program or an extension module of Python, does not get one."""
    dylibs: Mapping[str, str] = field(default_factory=dict)
    """New names of the libraries that are asked for, by the old ones."""
    replace_rpaths: Mapping[str, str] = field(default_factory=dict)
    """New search paths, by the old ones."""
    remove_rpaths: frozenset[str] = frozenset()
    """Search paths that go, wherever they stand."""
    add_rpaths: tuple[str, ...] = ()
    """Search paths that shall be there, behind all others."""
    thin: str | None = None
    """The architecture of a fat file that stays, as a thin file."""

    def __post_init__(self) -> None:
        """Raises BadOption for one text where several are wanted."""
        refuse_single_texts(self)


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """A patch, and what comes of it."""

    patch: Patch
    explanation: str
    """What the patch does, in a sentence."""
    lost_identity: str | None = None
    """Whose signature an ad-hoc one replaces: a team, or what the signature calls the file."""
