"""Where a plan is written to: sinks take entries (`add`) and complete the output (`finish`).

A sink knows a format and nothing about Python. It writes beside its target under a temporary name, where the result can be
looked at; `place` puts it at the target, and leaving the `with` block without it discards everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Protocol

from bundler.entries import Digests, Entry, Stamp

__all__ = ["Sink", "Updated", "Written"]


class Updated(NamedTuple):
    """What an update did: numbers of paths."""

    written: int
    removed: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink wrote."""

    place: str | None
    """Where it can be looked at until it is placed; None where it is gone already (standard output)."""
    digests: Digests
    """Of every file, by bundle path."""
    entries: int
    """Number of entries."""
    size: int
    """Bytes on disk."""
    shared: int = 0
    """Number of files whose bytes are shared with the source (hard links)."""
    updated: Updated | None = None
    """Of an update: what it did."""
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """Of files that are hard links now: the stamps that their sources have since."""
    notes: tuple[str, ...] = ()
    """What a person wants to know of it."""


class Sink(Protocol):
    """A context manager that takes entries in path order, the deferred ones last.

    Those of `directories` write a tree; `archives.archive.ArchiveSink` sends them to the format's writer.
    """

    def __enter__(self) -> Sink: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def begin(self, entries: Sequence[Entry]) -> None:
        """Write some of these ahead of `add`, which still gets all that the plan has. Only those that it has so will stay."""

    def add(self, entry: Entry) -> None:
        """Write one entry. Its parent directory was added before it."""

    def finish(self) -> Written:
        """Complete the output under its temporary name."""

    def begin_again(self) -> bool:
        """Forget the entries of a finished output, and take others; False, with nothing done, where a new sink has to be opened."""

    def replace(self, entry: Entry) -> bool:
        """Write one file of the finished output anew; False, with nothing done, where the format cannot."""

    def place(self) -> str:
        """Put the finished output in place; the path where it is now."""
