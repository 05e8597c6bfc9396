"""Modes of files and folders that others than their owner need: in archives and images, which somebody else unpacks and runs."""

from __future__ import annotations

from bundler.entries import Directory, Entry, Link
from bundler.machine import HAS_DRIVES
from bundler.plan.overlay import Entries
from bundler.platforms import OperatingSystem
from bundler.systems import system_of


def with_settled_modes(entries: Entries, system: OperatingSystem, *, for_all: bool) -> Entries:
    """The entries of an environment of a system with modes that say something; with `for_all` everybody can read them.

    On a system without modes they go by names, so that the bundle is the same wherever it is packed.
    """
    started = system_of(system).started_suffixes
    if HAS_DRIVES or (for_all and started is not None):
        return with_modes_by_name(entries, started or ())
    return with_readable_modes(entries) if for_all else entries


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
