"""What can be changed in an ELF file, and what comes out: the values of the patcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bundler.binaries.patch import Patch


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class Edits:
    """All that shall change in one file.

    `rpath` is the new DT_RPATH; None or "" removes every DT_RPATH and DT_RUNPATH. What is written is DT_RPATH, never
    beside a DT_RUNPATH: that one's slot is converted. A colon only separates, and empty elements, which would
    mean the current directory, are dropped. `needed` gives NEEDED libraries new names; names that the file does
    not need are ignored, and records of symbol versions follow.
    """

    rpath: str | Unchanged | None = UNCHANGED
    needed: Mapping[str, str] = field(default_factory=dict)


class Tier(Enum):
    """How the edits found room; each value says it in a line."""

    T0 = "in place"
    T1 = "in the page slack of a segment"
    T2 = "behind the last segment's zeros"
    T3 = "in a new segment"


@dataclass(frozen=True, slots=True)
class PatchPlan:
    """A patch, the tier that found room for it, and a sentence on what it does."""

    patch: Patch
    tier: Tier
    explanation: str
