"""Entries by path, as the stages of a plan hand them on: nothing here changes what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.entries import Deferred, Directory, Entry

Entries = Mapping[str, Entry]
"""Entries by bundle path, in no order."""


def overlaid(entries: Entries, more: Iterable[Entry]) -> dict[str, Entry]:
    """The entries with others laid over them; a directory that is there already stays."""
    result = dict(entries)
    for entry in more:
        before = result.get(entry.path)
        both = before is not None and isinstance(before.content, Directory) and isinstance(entry.content, Directory)
        if not both:
            result[entry.path] = entry
    return result


def without(entries: Entries, paths: Iterable[str]) -> dict[str, Entry]:
    """The entries without those at some paths."""
    result = dict(entries)
    for path in paths:
        result.pop(path, None)
    return result


def in_order(entries: Entries) -> tuple[Entry, ...]:
    """Path order, which puts directories before what is in them; then what needs the others' digests."""
    paths = sorted(entries)
    now = [entries[path] for path in paths if not isinstance(entries[path].content, Deferred)]
    return (*now, *(entries[path] for path in paths if isinstance(entries[path].content, Deferred)))
