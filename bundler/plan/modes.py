"""Modes of files and folders that others than their owner need: in archives and images, which somebody else unpacks and runs."""

from __future__ import annotations

from bundler.entries import Directory, Entry, Link
from bundler.plan.overlay import Entries


def with_readable_modes(entries: Entries) -> dict[str, Entry]:
    """The entries, readable for all where their owner may read them, and for all to run or enter where the owner may.

    A umask of 077 while an environment was made would else lock everybody out but the user who unpacks.
    """
    return {
        path: entry if isinstance(entry.content, Link) else entry._replace(mode=_opened(entry))
        for path, entry in entries.items()
    }


def _opened(entry: Entry) -> int:
    mode = entry.mode
    if mode & 0o400:
        mode |= 0o444
    if mode & 0o100 or isinstance(entry.content, Directory):
        mode |= 0o111
    return mode
