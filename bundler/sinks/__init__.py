"""Where a plan is written to: sinks take entries (`add`) and complete the output (`finish`).

A sink knows a format and nothing about Python. It writes beside its target under a temporary name, where the result can be
looked at; `place` puts it at the target, and leaving the `with` block without it discards everything. Told beforehand what will
hardly change (`begin`), a sink may write it while the plan is still being made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from bundler.entries import Digests, Entry, Stamp

__all__ = ["Sink", "Written"]


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink wrote: digests by bundle path, the number of entries, and the size on disk in bytes."""

    path: str
    """Where it lies until it is placed; "" where it is gone already (standard output)."""
    digests: Digests
    entries: int
    size: int
    shared: int = 0
    """Number of files whose bytes are shared with the source (hard links)."""
    updated: tuple[int, int] | None = None
    """Of an update: numbers of paths written, and removed."""
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    """Of files that are hard links now: the stamps that their sources have since."""


class Sink(Protocol):
    """A context manager that takes entries in path order, the deferred ones last."""

    advance: Callable[[int], object]
    """Told of the bytes of sources as they are done: set by whoever shows progress."""

    def __enter__(self) -> Sink: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def begin(self, entries: Sequence[Entry]) -> None:
        """Told of entries that will hardly change before they are added; to write some of them already is up to the sink."""

    def add(self, entry: Entry) -> None:
        """Write one entry. Its parent directory was added before it."""

    def finish(self) -> Written:
        """Complete the output under its temporary name."""

    def place(self) -> str:
        """Put the finished output in place; the path where it is now."""
