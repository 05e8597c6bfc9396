"""What `bundle.json` tells of a bundle's binaries, for the checks that hold them to it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from bundler.ceiling import NO_CEILING, Ceiling
from bundler.floor import Floor


@dataclass(frozen=True, slots=True)
class Told:
    """What `bundle.json` tells of a bundle's binaries, and what came after it."""

    machine: str = ""
    """The name of the machine that the bundle is for."""
    floor: Floor | None = None
    ceiling: Ceiling = NO_CEILING
    packed: Set[str] = frozenset()
    """Bundle paths of all that was packed."""
    installed: Set[str] = frozenset()
    """Bundle paths of files that installers brought after the pack."""
    libraries: Set[str] = frozenset()
    """Bundle paths of files that are there, and were libraries when they were packed."""


NOTHING_TOLD = Told()
