"""The wanted dynamic section: the old entries with the edits done, before the strings have a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import Unchanged
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.image import Image
from bundler.machine import os

_PATH_TAGS = (c.DT_RPATH, c.DT_RUNPATH)


class WantedEntry(NamedTuple):
    """One entry."""

    tag: int
    value: int
    """The number that it keeps; of no meaning where `text` is given."""
    text: bytes | None = None
    """The string whose index it gets."""
    origin: int | None = None
    """Its place among the old entries; None for a new one."""


def wanted_entries(image: Image, wanted: EncodedEdits) -> list[WantedEntry]:
    """The entries before DT_NULL, in order. Entries that need no new string keep their numbers."""
    entries = [WantedEntry(entry.tag, entry.value, None, n) for n, entry in enumerate(image.dynamic or ())]
    entries = _with_libraries(entries, image, wanted)
    entries = _with_soname(entries, image, wanted)
    return _with_own_path(_with_search_path(entries, image, wanted), image, wanted)


def unchanged(image: Image, entries: Sequence[WantedEntry]) -> bool:
    """Whether the entries are those that the file has."""
    if any(entry.text is not None for entry in entries):
        return False
    return [entry[:2] for entry in entries] == list(image.dynamic or ())


def with_version_needs(entries: Sequence[WantedEntry], count: int) -> list[WantedEntry]:
    """The entries for `count` records of needed versions; the tags go with the last record.

    DT_VERSYM goes, too, where the file defines no versions either: glibc looks each number of that table up in a list that it
    does not make then, and crashes (`_dl_fixup`).
    """
    if count == 0:
        gone = {c.DT_VERNEED, c.DT_VERNEEDNUM}
        if not any(entry.tag == c.DT_VERDEF for entry in entries):
            gone.add(c.DT_VERSYM)
        return [entry for entry in entries if entry.tag not in gone]
    return [entry._replace(value=count) if entry.tag == c.DT_VERNEEDNUM else entry for entry in entries]


def _with_libraries(entries: Sequence[WantedEntry], image: Image, wanted: EncodedEdits) -> list[WantedEntry]:
    """Rename, drop and add what is needed; what is new stands around the other libraries, or first of all."""
    old = [os.fsencode(name) for name in image.needed]
    needed = wanted.needed(old)
    if needed == old:  # also what is in front already
        return list(entries)
    names = iter(old)
    changed: list[WantedEntry] = []
    ahead = behind = 0
    for entry in entries:
        if entry.tag != c.DT_NEEDED:
            changed.append(entry)
            continue
        name = next(names)
        if not behind:
            ahead = len(changed)
        if kept := wanted.kept([name]):
            changed.append(entry if kept == [name] else entry._replace(text=kept[0]))
        behind = len(changed)
    first = len(wanted.prepended)
    changed[behind:behind] = [WantedEntry(c.DT_NEEDED, 0, name) for name in needed[first + len(wanted.kept(old)) :]]
    changed[ahead:ahead] = [WantedEntry(c.DT_NEEDED, 0, name) for name in wanted.prepended]
    return changed


def _with_soname(entries: Sequence[WantedEntry], image: Image, wanted: EncodedEdits) -> list[WantedEntry]:
    if isinstance(wanted.soname, Unchanged):
        return list(entries)
    if image.soname is None:
        return [*entries, WantedEntry(c.DT_SONAME, 0, wanted.soname)]
    if os.fsencode(image.soname) == wanted.soname:
        return list(entries)
    return [entry._replace(text=wanted.soname) if entry.tag == c.DT_SONAME else entry for entry in entries]


def _with_search_path(entries: Sequence[WantedEntry], image: Image, wanted: EncodedEdits) -> list[WantedEntry]:
    """One entry with the search path, in the first one's slot; none where none is wanted."""
    if isinstance(wanted.rpath, Unchanged):
        return list(entries)
    paths = [entry for entry in entries if entry.tag in _PATH_TAGS]
    keeper = paths[0] if paths else None
    current = image.rpath if keeper is not None and keeper.tag == c.DT_RPATH else image.runpath
    changed: list[WantedEntry] = []
    for entry in entries:
        if entry.tag not in _PATH_TAGS:
            changed.append(entry)
        elif entry is keeper and wanted.rpath is not None:
            keeps = len(paths) == 1 and current is not None and os.fsencode(current) == wanted.rpath
            changed.append(entry._replace(tag=wanted.path_tag, text=None if keeps else wanted.rpath))
    if wanted.rpath is not None and keeper is None:
        changed.append(WantedEntry(wanted.path_tag, 0, wanted.rpath))
    return changed


def _with_own_path(entries: Sequence[WantedEntry], image: Image, wanted: EncodedEdits) -> list[WantedEntry]:
    """The entry of the second search path behind all others: of two of one tag, which it becomes, the last one counts."""
    changed = [entry for entry in entries if entry.tag != c.DT_OWN_RPATH]
    old = [entry for entry in entries if entry.tag == c.DT_OWN_RPATH][-1:]
    path = wanted.own_rpath
    if isinstance(path, Unchanged):
        return [*changed, *old]
    if path is None:
        return changed
    if old and image.own_rpath is not None and os.fsencode(image.own_rpath) == path:
        return [*changed, *old]
    return [*changed, old[0]._replace(text=path) if old else WantedEntry(c.DT_OWN_RPATH, 0, path)]
