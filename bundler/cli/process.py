"""How a command's process begins and ends: its standard streams, signals, and the exit status."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from bundler.machine import HAS_DRIVES, os
from bundler.machine.signals import hear, hear_no_more

SIGNALLED = 128  # and the signal's number: as a shell tells it


class Interrupted(BaseException):
    """A signal asked to stop; raised in the main thread, so that everything unfinished is removed on the way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run_to_the_end(command: Callable[[], int]) -> NoReturn:
    """Run `command` and end the process with the exit status that it gives. A signal raises Interrupted in it."""
    _open_missing_streams()
    gc.disable()  # a command makes many values, keeps them all, and ends
    hear(_stop)
    status = command()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the reader has gone
            status = status or 1
    if status > SIGNALLED:
        sys.exit(status)  # at its end Python removes a temporary folder that was just made, and that nobody held yet
    os._exit(status)  # taking all those values apart would take as long as making them


def _open_missing_streams() -> None:
    """Where a standard stream is closed (`2>&-`), no file that is opened later may take its place: messages would go there."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    for stream in (sys.stdout, sys.stderr):
        if HAS_DRIVES and isinstance(stream, io.TextIOWrapper):  # a pipe's encoding has not every letter there
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")


def _stop(number: int, _frame: FrameType | None) -> None:
    """Stop once; a second signal does not disturb the clearing up."""
    hear_no_more()
    raise Interrupted(number)
