"""A tracer as a seam: what runs a command and tells what it does. There is one that uses strace, and one that does without."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bundler.errors import BundlerError
from bundler.tracing.trace import Event

_PATIENCE = 5  # seconds, for a command that was asked to end


class TraceFailed(BundlerError):
    """A command that should be traced failed, or cannot be traced here."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is run."""

    words: tuple[str, ...]
    """The first is the program's path."""
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a command did, and how it ended: its status, negative for a signal."""

    events: Sequence[Event]
    status: int


class Tracer(Protocol):
    """One way to trace."""

    @property
    def name(self) -> str:
        """For the report."""

    def run(self, command: Command) -> Seen:
        """Run a command to its end: its standard output is our standard error. Raises TraceFailed where it cannot be traced."""


@contextmanager
def ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Where the block is interrupted the process is asked to end, then made to. An interrupt of the terminal is its own, too."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
