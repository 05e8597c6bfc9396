"""What an earlier attempt wrote into the folder of a bundle: the next attempt, which has almost the same entries, keeps it.

The bundle was run meanwhile. A file that is not as it was written, or that nobody wrote, goes.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from bundler.entries import Directory, Entry, Link, Literal, Patched, Source
from bundler.machine import os
from bundler.sinks.temporary import remove_tree


class WrittenEntry(NamedTuple):
    """An entry that is no directory, and what was written for it."""

    entry: Entry
    sha256: bytes = b""
    """Of a file."""
    size: int = 0
    """Of a file, in bytes."""
    stamp: bytes | None = None
    """See `writer.WrittenFile`."""


class FormerWrites:
    """What was written below a folder until a moment. Nothing else may write there while it is sorted."""

    def __init__(self, root: str, written: Mapping[str, WrittenEntry], finished: int) -> None:
        """`finished` is the moment by the file system's clock, in nanoseconds since the epoch; entries are by bundle path."""
        self._root = root
        self._written = written
        self._finished = finished

    def keep(self, wanted: Mapping[str, Entry]) -> tuple[dict[str, WrittenEntry], set[str]]:
        """Leave only what is wanted and there in the same form: files and links, and folders, by bundle path."""
        stays: dict[str, WrittenEntry] = {}
        folders: set[str] = set()
        self._sort(self._root, "", wanted, stays, folders)
        return stays, folders

    def _sort(
        self, folder: str, above: str, wanted: Mapping[str, Entry], stays: dict[str, WrittenEntry], folders: set[str]
    ) -> None:
        """Sort what is in a folder, whose bundle path with a slash is `above`."""
        for item in list(os.scandir(folder)):
            path = above + item.name
            entry = wanted.get(path)
            if item.is_dir(follow_symlinks=False):
                if entry is not None and isinstance(entry.content, Directory):
                    os.chmod(item.path, 0o700)  # till it has its own mode again
                    folders.add(path)
                    self._sort(item.path, path + "/", wanted, stays, folders)
                else:
                    remove_tree(item.path)
                continue
            written = self._written.get(path)
            if written is not None and entry is not None and self._is_there(written, entry, item):
                stays[path] = written
            else:
                os.unlink(item.path)

    def _is_there(self, written: WrittenEntry, wanted: Entry, item: os.DirEntry[str]) -> bool:
        """Whether what was written is what is wanted now, and nobody has touched it."""
        if not _is_same(written, wanted):
            return False
        facts = item.stat(follow_symlinks=False)
        if facts.st_ctime_ns >= self._finished or facts.st_mtime_ns != wanted.mtime_ns:
            return False
        if isinstance(wanted.content, Link):
            return stat.S_ISLNK(facts.st_mode)
        return facts.st_size == written.size and facts.st_mode == stat.S_IFREG | wanted.mode


def _is_same(written: WrittenEntry, wanted: Entry) -> bool:
    """Whether an entry means the same file as one that was written; by now its digest may be known."""
    entry = written.entry
    content = entry.content
    match content:
        case Source(stamp=stamp) | Patched(stamp=stamp) if not stamp:
            return False  # nothing tells what its source was
        case Source():
            return wanted in (entry, entry._replace(content=content._replace(sha256=written.sha256)))
        case Patched():
            return wanted in (entry, entry._replace(content=replace(content, sha256=written.sha256)))
        case Literal() | Link():
            return wanted == entry
        case _:
            return False
