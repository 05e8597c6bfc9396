"""Files that a child writes while the plan is still being made: those that the plan will hardly change.

When the plan is there, what it has in the same form stays, and the rest goes as if it had never been written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from bundler.bundle_paths import directories_of
from bundler.entries import Directory, Entry
from bundler.machine import os
from bundler.sinks.directories.processes import HeadStart

Result = TypeVar("Result")


class EarlyWrites(Generic[Result]):
    """Files below `root`, written in these batches by `write`, which gives a result for each entry.

    There has to be an end to it: `keep`, and `abandon` where that does not come to its end. See `HeadStart`.
    """

    def __init__(
        self,
        batches: Sequence[Sequence[Entry]],
        write: Callable[[Sequence[Entry]], Sequence[Result]],
        root: str,
        temporary: str,
    ) -> None:
        """`temporary` is a folder for temporary files."""
        self._batches = batches
        self._root = root
        self._folders = sorted(directories_of(entry.path for batch in batches for entry in batch))
        for path in self._folders:
            os.mkdir(os.path.join(root, path), 0o700)
        self._start = HeadStart(len(batches), lambda number: write(batches[number]), temporary)

    def keep(self, wanted: Mapping[str, Entry]) -> tuple[dict[str, Result], set[str]]:
        """Stop, and leave only what is wanted: results of the files that stay, and folders, both by bundle path."""
        stays: dict[str, Result] = {}
        for number, results in self._start.stop():
            for entry, result in zip(self._batches[number], results, strict=True):
                if wanted.get(entry.path) == entry:
                    stays[entry.path] = result
                else:
                    os.unlink(os.path.join(self._root, entry.path))
        folders = set()
        for path in reversed(self._folders):
            if path in wanted and isinstance(wanted[path].content, Directory):
                folders.add(path)
            else:
                os.rmdir(os.path.join(self._root, path))
        return stays, folders

    def abandon(self) -> None:
        """Stop at once; what was written is removed with the folder that it is in."""
        self._start.abandon()
