"""The dynamic section that is wanted: the old entries with the edits done, before room is found for the strings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import Edits, Unchanged
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.structs import DynamicEntry
from bundler.errors import CannotPatch

_PATH_TAGS = (c.DT_RPATH, c.DT_RUNPATH)


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """One entry: its tag, and the number that it keeps or the string (`text`) whose index it gets."""

    tag: int
    value: int
    text: bytes | None = None
    origin: int | None = None
    """The number of the entry that it was; None for a new one."""


def wanted_rpath(edits: Edits) -> bytes | Unchanged | None:
    """The new DT_RPATH without empty elements; None where there shall be none. CannotPatch for a NUL in it."""
    if isinstance(edits.rpath, Unchanged):
        return edits.rpath
    text = b":".join(part for part in encode(edits.rpath or "").split(b":") if part)
    return text or None


def encode(text: str) -> bytes:
    """The bytes of a string to be written; CannotPatch where it holds a NUL."""
    data = os.fsencode(text)
    if b"\0" in data:
        raise CannotPatch(f"the string {text!r} holds a NUL")
    return data


def wanted_names(edits: Edits) -> dict[bytes, bytes]:
    """The new names by the old ones; CannotPatch for an empty one."""
    names = {encode(old): encode(new) for old, new in edits.needed.items() if old != new}
    if not all(names.values()):
        raise CannotPatch("a library cannot be given an empty name")
    return names


def wanted_entries(image: Image, rpath: bytes | Unchanged | None, names: Mapping[bytes, bytes]) -> list[WantedEntry]:
    """The entries before DT_NULL, in order. Entries that need no new string keep their numbers."""
    old = image.dynamic or ()
    keeper = next((n for n, entry in enumerate(old) if entry.tag in _PATH_TAGS), None)
    current = image.rpath if keeper is not None and old[keeper].tag == c.DT_RPATH else image.runpath
    single = sum(entry.tag in _PATH_TAGS for entry in old) == 1
    needed = iter(image.needed)
    entries: list[WantedEntry] = []
    for number, entry in enumerate(old):
        if entry.tag == c.DT_NEEDED:
            new = names.get(os.fsencode(next(needed)))
            entries.append(WantedEntry(entry.tag, entry.value, new, number))
        elif entry.tag not in _PATH_TAGS or isinstance(rpath, Unchanged):
            entries.append(WantedEntry(entry.tag, entry.value, None, number))
        elif rpath is not None and number == keeper:
            keeps = single and current is not None and os.fsencode(current) == rpath
            entries.append(WantedEntry(c.DT_RPATH, entry.value, None if keeps else rpath, number))
    if isinstance(rpath, bytes) and keeper is None:
        entries.append(WantedEntry(c.DT_RPATH, 0, rpath, None))
    return entries


def with_table(entries: Sequence[DynamicEntry], address: int, size: int) -> tuple[DynamicEntry, ...]:
    """The entries with DT_STRTAB and DT_STRSZ set."""
    new = {c.DT_STRTAB: address, c.DT_STRSZ: size}
    return tuple(DynamicEntry(entry.tag, new.get(entry.tag, entry.value)) for entry in entries)
