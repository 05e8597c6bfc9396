"""Modes of files and folders: nobody else may write to them, and in archives and images all may read them."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.entries import Directory, Entry, Link
from bundler.machine import HAS_DRIVES
from bundler.permissions import is_open_to_all, kept
from bundler.plan.overlay import Entries
from bundler.platforms import OperatingSystem
from bundler.systems import system_of

_NAMED = 3


def open_to_all(entries: Entries) -> Iterator[str]:
    """A sentence on what anybody may write to in the source, and may not in the bundle (`permissions`)."""
    if HAS_DRIVES:
        return
    paths = sorted(
        path for path, entry in entries.items() if not isinstance(entry.content, Link) and is_open_to_all(entry.mode)
    )
    if paths:
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        yield f"anybody may write to {', '.join(paths[:_NAMED])}{more} in the source; in the bundle only owner and group may"


def with_settled_modes(entries: Entries, system: OperatingSystem, *, for_all: bool) -> Entries:
    """The entries of an environment of a system with modes that say something, and by the rule of `permissions`.

    With `for_all` everybody can read them.

    On a system without modes they go by names, so that the bundle is the same wherever it is packed.
    """
    started = system_of(system).started_suffixes
    if HAS_DRIVES or (for_all and started is not None):
        return with_modes_by_name(entries, started or ())
    return with_kept_modes(with_readable_modes(entries) if for_all else entries)


def with_kept_modes(entries: Entries) -> dict[str, Entry]:
    """The entries with the permissions that a bundle keeps of its source."""
    return {
        path: entry._replace(mode=kept(entry.mode))
        if not isinstance(entry.content, Link) and entry.mode != kept(entry.mode)
        else entry
        for path, entry in entries.items()
    }


def with_readable_modes(entries: Entries) -> dict[str, Entry]:
    """The entries, readable for all where their owner may read them, and for all to run or enter where the owner may.

    A umask of 077 while an environment was made would else lock everybody out but the user who unpacks.
    """
    return {
        path: entry if isinstance(entry.content, Link) else entry._replace(mode=_opened(entry))
        for path, entry in entries.items()
    }


def with_modes_by_name(entries: Entries, started: tuple[str, ...]) -> dict[str, Entry]:
    """The entries, executable where their names end in one of `started`, and folders."""

    def mode_of(entry: Entry) -> int:
        if isinstance(entry.content, Link):
            return entry.mode
        return 0o755 if isinstance(entry.content, Directory) or entry.path.lower().endswith(started) else 0o644

    return {path: entry._replace(mode=mode_of(entry)) for path, entry in entries.items()}


def _opened(entry: Entry) -> int:
    mode = entry.mode
    if mode & 0o400:
        mode |= 0o444
    if mode & 0o100 or isinstance(entry.content, Directory):
        mode |= 0o111
    return mode
