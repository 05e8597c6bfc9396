"""Packs that end behind a chosen step, in processes of their own."""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterator

from bundler.sinks import steps


class How(enum.Enum):
    """What ends a pack."""

    KILLED = "killed"
    """It does nothing more."""
    STOPPED = "stopped"
    """A signal is heard: it clears up."""


class Ended(enum.Enum):
    """How it came out."""

    DONE = 0
    STOPPED = 5
    KILLED = 9


def run_until(pack: Callable[[], object], ends: dict[int, How]) -> Ended:
    """Run `pack` in a process of its own. Behind the steps with these numbers (the first is 1) it is killed or stopped."""
    child = os.fork()
    if child == 0:
        _run(pack, ends)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(status)


def _run(pack: Callable[[], object], ends: dict[int, How]) -> None:
    count = 0

    def after() -> None:
        nonlocal count
        count += 1
        if ends.get(count) is How.KILLED:
            os._exit(Ended.KILLED.value)
        if ends.get(count) is How.STOPPED:
            raise KeyboardInterrupt

    steps.after = after
    try:
        pack()
    except KeyboardInterrupt:
        os._exit(Ended.STOPPED.value)
    except BaseException as error:
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(Ended.DONE.value)


def every_step(how: How) -> Iterator[dict[int, How]]:
    """Ends behind the first step, the second, and so on; whoever asks stops where a pack came to its end."""
    number = 0
    while True:
        number += 1
        yield {number: how}
