"""Progress on a terminal, drawn by rich on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn


class _Bar:
    """`bundler.progress.Progress` over one rich task."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    def phase(self, title: str) -> None:
        self._bar.update(self._task, description=title, total=None, completed=0)

    def total(self, size: int) -> None:
        self._bar.update(self._task, total=size)

    def advance(self, size: int) -> None:
        self._bar.advance(self._task, size)


@contextmanager
def progress_bar() -> Iterator[_Bar]:
    """A bar that vanishes when the block ends."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar, bar.add_task("", total=None))
