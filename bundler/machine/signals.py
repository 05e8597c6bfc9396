"""The signals by which somebody asks a process to stop."""

from __future__ import annotations

import contextlib
import signal
import threading
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


class _Hearing:
    """Who is told of them, and those that wait: a mask holds them from its own thread alone, and another thread may take them."""

    def __init__(self) -> None:
        self.heard: list[signal.Signals] = []
        self.stop: Callable[[int, FrameType | None], object] | None = None
        self.blocks = 0
        """How many blocks of `signals_wait` the main thread is in."""
        self.waiting: list[int] = []

    def take(self, number: int, frame: FrameType | None) -> None:
        if self.blocks:
            self.waiting.append(number)
        elif self.stop is not None:
            self.stop(number, frame)

    def leave(self) -> None:
        self.blocks -= 1
        if not self.blocks and self.waiting and self.stop is not None:
            number, self.waiting = self.waiting[0], []
            self.stop(number, None)


_HEARING = _Hearing()


def hear(stop: Callable[[int, FrameType | None], object]) -> None:
    """Let `stop` be called for them, but for those that somebody has ignored (`nohup` does). The process ends with what it does."""
    _HEARING.stop = stop
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _HEARING.take)
            _HEARING.heard.append(number)


def hear_no_more() -> None:
    """Ignore them from now on: the process comes to its end by itself. Does nothing where it does not hear them by `hear`."""
    while _HEARING.heard:
        signal.signal(_HEARING.heard.pop(), signal.SIG_IGN)
    _HEARING.waiting = []


@contextlib.contextmanager
def signals_wait() -> Iterator[None]:
    """Nobody is asked to stop inside of the block; what came meanwhile comes behind it. (Windows: by `hear` alone.)"""
    is_main = threading.current_thread() is threading.main_thread()
    _HEARING.blocks += is_main
    try:
        with _masked():
            yield
    finally:
        if is_main:
            _HEARING.leave()


@contextlib.contextmanager
def _masked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
