"""The signals by which somebody asks a process to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

_NAMES = (
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGBREAK",
)  # SIGHUP is POSIX's, SIGBREAK Windows' (Ctrl-Break, a console that is closed)
STOPPING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
"""Those that this machine has."""


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
