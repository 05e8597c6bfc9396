"""Renames that turn the tree in a directory into another one. Undone, or brought to an end by a later pack, all is as it was."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence

from bundler.entries import Entry
from bundler.files import named
from bundler.machine import os
from bundler.sinks.interrupted import ASIDE, begin_change, begin_coming, take_back_coming
from bundler.sinks.moves import Moves


class TreeChange:
    """What is done to the tree at `root`, whose paths have the facts `before`; what goes is kept in the folder `working`."""

    def __init__(self, root: str, before: Mapping[str, os.stat_result], working: str) -> None:
        self._root = root
        self._before = before
        self._working = working
        self._gone: set[str] = set()
        self._moves = Moves()

    def begin(self, wanted: Iterable[str]) -> None:
        """Note what will be new; `wanted` are all paths of the new tree, each folder before what is in it."""
        added = [path for path in wanted if path not in self._before]
        begin_change(self._working, added, self._folders())

    def remove(self, path: str) -> None:
        """Take a path away, with all below it."""
        aside = os.path.join(self._working, ASIDE, path)
        os.makedirs(os.path.dirname(aside), exist_ok=True)
        self._open_folder(path)
        self._moves.move(self._here(path), aside)
        self._gone.add(path)

    def make_folders(self, folders: Sequence[Entry]) -> None:
        """Make those that are not there, each after the one that it lies in."""
        for entry in folders:
            if not self._is_folder(entry.path):
                self._clear(entry.path)
                self._moves.make_folder(self._here(entry.path))

    def bring(self, path: str, new: str) -> None:
        """Put the file or link at `new` in the place of what is at a path."""
        self._clear(path)
        self._moves.rename(new, self._here(path))

    def set_folder_facts(self, folders: Sequence[Entry]) -> None:
        """Give folders their modes and times, the deepest first."""
        for entry in reversed(folders):
            _set_facts(self._here(entry.path), entry.mode, entry.mtime_ns)

    def commit(self) -> None:
        """Let it stay, whatever comes."""
        begin_coming(self._working)

    def undo(self) -> None:
        """Move everything back, and give folders the modes and times that they had: renames changed them, or we ourselves.

        Raises NotUndone.
        """
        take_back_coming(self._working)
        self._moves.undo()
        for path, facts in reversed(self._folders().items()):
            _set_facts(self._here(path), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns)

    def _clear(self, path: str) -> None:
        """Make a place free, in a folder that can be written to."""
        if path in self._before and path not in self._gone:
            self.remove(path)
        self._open_folder(path)

    def _open_folder(self, path: str) -> None:
        """Make the folder of a path writable for us."""
        folder = os.path.dirname(path)
        facts = self._before.get(folder)
        if facts is not None and facts.st_mode & 0o300 != 0o300:
            os.chmod(self._here(folder), stat.S_IMODE(facts.st_mode) | 0o700)

    def _is_folder(self, path: str) -> bool:
        facts = self._before.get(path)
        return facts is not None and stat.S_ISDIR(facts.st_mode)

    def _folders(self) -> dict[str, os.stat_result]:
        return {path: facts for path, facts in self._before.items() if stat.S_ISDIR(facts.st_mode)}

    def _here(self, path: str) -> str:
        return os.path.join(self._root, path)


def _set_facts(path: str, mode: int, mtime_ns: int) -> None:
    """Mode and time of a folder, where they are not so already."""
    try:
        facts = os.lstat(path)
        if stat.S_IMODE(facts.st_mode) != mode:
            os.chmod(path, mode)
        if facts.st_mtime_ns != mtime_ns:
            os.utime(path, ns=(mtime_ns, mtime_ns))
    except FileNotFoundError:
        return
    except OSError as error:
        raise named(error, path) from None
