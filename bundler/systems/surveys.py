"""What the binaries of a finished bundle ask for, file by file, in words that hold for every system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bundler.floor import FloorDemand
from bundler.systems.libraries import Location


class Survey(NamedTuple):
    """What the loader would make of a bundle. All paths are bundle paths; this machine is not asked."""

    needs: Mapping[str, Mapping[str, Location]]
    """By file, then by the name that it asks for, in the file's order. Links in the bundle are followed."""
    demands: Mapping[str, FloorDemand]
    """The latest release of libc, or of the system, that a file asks for; such as ask for none are left out."""
    programs: frozenset[str]
    """The files that the system starts; what else is in `needs` is loaded by others."""


NOTHING_SURVEYED = Survey({}, {}, frozenset())
"""For a bundle whose interpreter is no binary of its system."""
