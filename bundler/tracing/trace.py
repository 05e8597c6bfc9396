"""What commands were seen to do, as values: the programs that ran, who started them, and the files that each opened."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from bundler.machine import os


class Deed(enum.Enum):
    """What a thread did."""

    STARTED = "started"
    """It made another one, a thread or a process."""
    EXECUTED = "executed"
    """It became a program."""
    OPENED = "opened"
    """It opened a file for reading."""


class Event(NamedTuple):
    """One deed, as a tracer tells it."""

    deed: Deed
    thread: int
    child: int = 0
    """The number of the thread that was started."""
    path: str = ""
    """The program, or the file: absolute."""


class Ran(NamedTuple):
    """A program that ran in a process, from when it was executed on."""

    program: str
    """The real path of its file."""
    starter: int | None
    """What started it, by its place in `Trace.ran`; None for the command itself."""
    opened: frozenset[str]
    """Real paths of the files that it opened for reading, with what it forked."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What all commands did. The empty one is that of no command."""

    ran: tuple[Ran, ...] = ()
    commands: tuple[str, ...] = ()
    """As the user gave them."""
    tracer: str = ""
    """How it was seen: `strace`, `ptrace`."""

    def starter(self, number: int, is_passed: Callable[[str], bool]) -> str | None:
        """The program that started what stands at `number` in `ran`, but for those that are passed over, by their file names."""
        starter = self.ran[number].starter
        while starter is not None and is_passed(os.path.basename(self.ran[starter].program)):
            starter = self.ran[starter].starter
        return None if starter is None else self.ran[starter].program


def joined(traces: Iterable[Trace]) -> Trace:
    """One trace of several commands."""
    ran: list[Ran] = []
    commands: list[str] = []
    tracers: dict[str, None] = {}
    for trace in traces:
        first = len(ran)
        ran += [each._replace(starter=None if each.starter is None else first + each.starter) for each in trace.ran]
        commands += trace.commands
        tracers[trace.tracer] = None
    return Trace(tuple(ran), tuple(commands), ", ".join(tracers))


def programs_of(events: Iterable[Event]) -> tuple[Ran, ...]:
    """The programs of one command's events, in the order in which they ran.

    What a thread does may be told before it is told who started it.
    """
    known = list(events)
    parents = {event.child: event.thread for event in known if event.deed is Deed.STARTED}
    ran: list[tuple[str, int | None, set[str]]] = []
    current: dict[int, int] = {}
    real = cache(_real_file)

    def place_of(thread: int) -> int | None:
        if thread not in current and (parent := parents.pop(thread, None)) is not None:
            place = place_of(parent)
            if place is not None:
                current[thread] = place
        return current.get(thread)

    for event in known:
        match event.deed:
            case Deed.STARTED:  # before its parent becomes another program
                place_of(event.child)
            case Deed.EXECUTED:
                starter = place_of(event.thread)
                current[event.thread] = len(ran)
                ran.append((os.path.realpath(event.path), starter, set()))
            case Deed.OPENED:
                place, path = place_of(event.thread), real(event.path)
                if place is not None and path is not None:
                    ran[place][2].add(path)
    return tuple(Ran(program, starter, frozenset(opened)) for program, starter, opened in ran)


def _real_file(path: str) -> str | None:
    """A regular file's real path; None for what is none, or is gone."""
    return os.path.realpath(path) if os.path.isfile(path) else None
