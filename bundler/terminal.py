"""Progress on a terminal, drawn by rich on standard error.

It is drawn when there is something to tell, not by a thread: a process with one thread can share its work with others.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

_OFTEN = 0.1  # seconds


class _Bar:
    """`bundler.progress.Progress` over one rich task."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task
        self._drawn = 0.0

    def phase(self, title: str) -> None:
        self._bar.update(self._task, description=title, total=None, completed=0)
        self._bar.refresh()

    def total(self, size: int) -> None:
        self._bar.update(self._task, total=size)

    def advance(self, size: int) -> None:
        self._bar.advance(self._task, size)
        now = time.monotonic()
        if now - self._drawn > _OFTEN:
            self._drawn = now
            self._bar.refresh()


@contextmanager
def progress_bar() -> Iterator[_Bar]:
    """A bar that vanishes when the block ends."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        yield _Bar(bar, bar.add_task("", total=None))
