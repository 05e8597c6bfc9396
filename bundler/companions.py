"""What libraries of the host open by themselves, by whole paths that were compiled into them: what came along, and what did not."""

from __future__ import annotations

from typing import NamedTuple


class CompanionFact(NamedTuple):
    """A folder of the host with what a library opens by itself, which comes along."""

    library: str
    """Bundle path."""
    path: str
    """Bundle path of the folder."""
    origin: str
    files: int
    what: str
    without: str
    """What would not work without it."""
    pointing: str
    """How the library finds it."""


class CompiledInPath(NamedTuple):
    """A folder of the host that is compiled into a library of the host, and that does not come along."""

    library: str
    """Bundle path."""
    path: str
    files: int
    """In it and below it."""
