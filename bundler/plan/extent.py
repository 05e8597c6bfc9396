"""Files that are nearly all holes: where they are they take no room, in a bundle all of it, and the time to read and write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bundler.entries import Entry, Source
from bundler.errors import BundlerError, raise_all
from bundler.machine import os
from bundler.plan.filters import brought_back
from bundler.plan.overlay import Entries

_LARGE = 8 << 30
"""Bytes."""
_SHARE = 16
_BLOCK = 512  # bytes: what `st_blocks` counts


def refuse_holes(entries: Entries, patterns: Sequence[str]) -> Entries:
    """The entries. Raises BundlerError for large files of which hardly anything is on the disk, unless the user includes them."""
    found = {entry.path: entry for entry in entries.values() if _is_hollow(entry)}
    wanted = set(brought_back(found, patterns))
    raise_all(list(_errors(entry for path, entry in found.items() if path not in wanted)))
    return entries


def _errors(hollow: Iterator[Entry]) -> Iterator[BundlerError]:
    for entry in hollow:
        assert isinstance(entry.content, Source)
        size = entry.content.size
        yield BundlerError(
            f"{entry.origin} has {size >> 30} GiB, most of which are holes: a bundle would have all of them",
            f"--exclude '/{entry.path}' leaves it out, --include '/{entry.path}' takes it along all the same",
        )


def _is_hollow(entry: Entry) -> bool:
    content = entry.content
    if not isinstance(content, Source) or content.size < _LARGE:
        return False
    blocks: int | None = getattr(os.stat(content.path), "st_blocks", None)  # Windows does not tell
    return blocks is not None and blocks * _BLOCK * _SHARE < content.size
