"""What an editable install means, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileMapping:
    """A file or folder of a project, and where it belongs."""

    source: str
    """Absolute."""
    path: str
    """Counted from the package folder."""
    skip: frozenset[str] = frozenset()
    """Paths below `source` that stay out."""


@dataclass(frozen=True, slots=True)
class EditableFiles:
    """What one editable install brings."""

    back_end: str
    """The kind of install, for a person."""
    mappings: tuple[FileMapping, ...]
