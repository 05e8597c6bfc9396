"""What an editable install means, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """A file or folder of a project, and where it belongs.

    `source` is absolute; `path` counts from site-packages; `skip` are paths below `source` that stay out.
    """

    source: str
    path: str
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """What one kind of editable brings. `back_end` names the kind for a person."""

    back_end: str
    placements: tuple[Placement, ...]
