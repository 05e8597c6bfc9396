"""What a bundle runs on at least."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

Release = tuple[int, ...]
"""Its numbers: two, or three (musl)."""


class FloorDemand(NamedTuple):
    """A release that the file at a bundle path asks for, and what says so."""

    release: Release
    file: str
    reason: str

    @property
    def text(self) -> str:
        """The release: `2.34`."""
        return text_of(self.release)


@dataclass(frozen=True, slots=True)
class Floor:
    """The oldest release of `system` (`glibc`, `musl`, `macOS`) on which a bundle runs, and what says so."""

    system: str
    release: Release
    file: str
    """The bundle path of the file that asks for it."""
    reason: str
    """A symbol version (`GLIBC_2.34`), or a sentence's end."""
    without: Release | None = None
    """What it would be without the file, where that alone asks for so late a release; None where others do."""

    @property
    def text(self) -> str:
        """The release: `2.34`."""
        return text_of(self.release)

    @property
    def text_without(self) -> str | None:
        """The same of what it would be without the file."""
        return None if self.without is None else text_of(self.without)


def highest(system: str, demands: Iterable[FloorDemand]) -> Floor | None:
    """The floor that demands make together; of equal ones the first."""
    of_files = highest_of_each(demands)
    if not of_files:
        return None
    first = max(of_files.values(), key=lambda demand: demand.release)
    others = max((demand.release for demand in of_files.values() if demand is not first), default=None)
    alone = others is not None and others < first.release
    return Floor(system, first.release, first.file, first.reason, others if alone else None)


def highest_of_each(demands: Iterable[FloorDemand]) -> dict[str, FloorDemand]:
    """The latest release that each file asks for, by file; of equal ones the first."""
    of_files: dict[str, FloorDemand] = {}
    for demand in demands:
        known = of_files.get(demand.file)
        if known is None or demand.release > known.release:
            of_files[demand.file] = demand
    return of_files


def text_of(release: Release) -> str:
    """A release as people write it: `2.34`, `1.2.5`."""
    return ".".join(map(str, release))
