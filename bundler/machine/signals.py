"""The signals by which somebody asks a process to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_NAMES = (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGBREAK",
)  # SIGHUP is POSIX's, SIGBREAK Windows' (Ctrl-Break, a console that is closed)
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
"""Those that this machine has."""
_heard: list[signal.Signals] = []


def hear(stop: Callable[[int, FrameType | None], object]) -> None:
    """Let `stop` be called for them, but for those that somebody has ignored (`nohup` does). The process ends with what it does."""
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
            _heard.append(number)


def hear_no_more() -> None:
    """Ignore them from now on: the process comes to its end by itself. Does nothing where it does not hear them by `hear`."""
    while _heard:
        signal.signal(_heard.pop(), signal.SIG_IGN)


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Nobody is asked to stop inside of the block; what came meanwhile comes behind it. (Windows: it is not held back.)"""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
