"""The dynamic string table: where new strings go, and what becomes of strings that nobody names any more.

No index changes, ever: strings are put where an equal tail already stands, over strings that are no longer used,
or behind the table. Bytes of a string that nobody uses any more become zeros, so that no build path stays behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, string_table
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError

_NOT_ZERO = re.compile(b"[^\0]")


@dataclass(frozen=True, slots=True)
class StringTable:
    """The table that DT_STRTAB names."""

    offset: int
    """Where it lies in the file, in bytes from the start."""
    address: int
    data: bytes

    def text(self, index: int) -> bytes:
        """The string at `index`."""
        return self.data[index : self.end(index)]

    def end(self, index: int) -> int:
        """The index of the NUL behind the string at `index`; BinaryFormatError where there is none."""
        end = self.data.find(b"\0", index)
        if end < 0:
            raise BinaryFormatError(f"the string at index {index} leaves the string table of {len(self.data)} bytes")
        return end


@dataclass(frozen=True, slots=True)
class StringPlacement:
    """Where strings go."""

    indices: dict[bytes, int]
    """The index of each string."""
    changes: dict[int, bytes]
    """Bytes that change within the old table, by index."""
    appended_at: int
    """The index at which `appended` begins. It lies within the old table where the last bytes there are in nobody's use."""
    appended: bytes
    """What stands behind the strings in use."""

    def new_size(self, old_size: int) -> int:
        """Size of the table that holds everything in place; never less than `old_size`."""
        return max(old_size, self.appended_at + len(self.appended))

    def changes_in_place(self, size: int) -> dict[int, bytes]:
        """What changes within the first `size` bytes, what is appended there included."""
        if not self.appended:
            return dict(self.changes)
        changes = {at: data[: self.appended_at - at] for at, data in self.changes.items() if at < self.appended_at}
        changes[self.appended_at] = self.appended[: size - self.appended_at].ljust(size - self.appended_at, b"\0")
        return {at: data for at, data in changes.items() if data}

    def apply(self, data: bytes) -> bytes:
        """The whole new table."""
        new = bytearray(data)
        for at, change in self.changes.items():
            new[at : at + len(change)] = change
        if self.appended:
            new[self.appended_at :] = self.appended
        return bytes(new)


def read_string_table(file: BinaryIO, image: Image) -> StringTable:
    """The dynamic string table of an image that has one."""
    offset, size = string_table(image.segments, image.numbers)
    data = read_at(file, offset, size, "the dynamic string table")
    return StringTable(offset, image.numbers[c.DT_STRTAB], data)


def find_reusable(table: StringTable, texts: Iterable[bytes]) -> dict[bytes, int]:
    """The index of each of `texts` that stands in the table already, whole or as the tail of another string."""
    found = ((text, table.data.find(text + b"\0")) for text in texts)
    return {text: index for text, index in found if index >= 0}


def place_strings(
    table: StringTable,
    texts: Sequence[bytes],
    reused: dict[bytes, int],
    freed: Iterable[int],
    live: Sequence[int] | None,
) -> StringPlacement:
    """Find a place for each of `texts`, of which `reused` have an index already.

    `freed` are the indices that are given up. `live` are all that stay in use, the reused ones included; where they are
    not known (None), no byte of the table is touched.
    """
    indices = dict(reused)
    changes: dict[int, bytes] = {}
    appended_at = len(table.data)
    holes: list[_Hole] = []
    if live is not None:
        holes = _holes(table, sorted(set(freed)), live)
    missing = sorted({text for text in texts if text not in indices}, key=len, reverse=True)
    homeless = []
    for text in missing:
        index = next((at for hole in holes if (at := hole.take(text)) is not None), None)
        if index is None:
            homeless.append(text)
        else:
            indices[text] = index
    for hole in holes:
        if hole.contents() != table.data[hole.start : hole.stop]:
            changes[hole.start] = hole.contents()
    if homeless:
        if table.data[-1:] not in (b"\0", b""):
            raise BinaryFormatError("the string table does not end with NUL")
        if live is not None:
            used = [*live, *(indices[text] for text in missing if text in indices)]
            appended_at = _end_of_use(StringPlacement({}, changes, appended_at, b"").apply(table.data), used)
    appended = b""
    for text in homeless:
        indices[text] = appended_at + len(appended)
        appended += text + b"\0"
    return StringPlacement(indices, changes, appended_at, appended)


@dataclass(slots=True)
class _Hole:
    """Bytes that no string in use covers."""

    start: int
    stop: int
    """The index behind the last byte."""
    suffix: bytes
    """The string in use that begins at `stop`: a string that ends with it needs no NUL of its own in the hole."""
    taken: dict[int, bytes] = field(default_factory=dict)
    """What was put there, by index."""
    free: int = -1
    """The index from which on the hole is free; set at first to `start`."""

    def __post_init__(self) -> None:
        self.free = self.start

    def take(self, text: bytes) -> int | None:
        """The index at which `text` is put; None where it does not fit."""
        if self.free + len(text) < self.stop:
            index = self.free
            self.taken[index] = text
            self.free += len(text) + 1
            return index
        index = self.stop + len(self.suffix) - len(text)
        if self.suffix and text.endswith(self.suffix) and self.free <= index:
            self.taken[index] = text[: len(text) - len(self.suffix)]
            self.free = self.stop
            return index
        return None

    def contents(self) -> bytes:
        """The bytes of the hole: what was put there, and zeros."""
        data = bytearray(self.stop - self.start)
        for index, text in self.taken.items():
            data[index - self.start : index - self.start + len(text)] = text
        return bytes(data)


def _holes(table: StringTable, freed: Sequence[int], live: Sequence[int]) -> list[_Hole]:
    """The bytes that become free when the strings at `freed` are given up, padding behind them included."""
    holes: dict[int, _Hole] = {}
    data = table.data
    for index in freed:
        end = table.end(index)
        if end == index:
            continue
        behind = _NOT_ZERO.search(data, end)
        limit = behind.start() if behind else len(data)
        run = data.rfind(b"\0", 0, index) + 1
        inside = [at for at in live if run <= at < limit]
        if any(at <= index for at in inside):
            continue
        stop = min(inside, default=limit)
        if stop >= end:  # an empty string in use may share our NUL, and nothing behind it
            hole = _Hole(index, min(stop + 1, limit), b"")
        else:
            hole = _Hole(index, stop, data[stop:end])
        if hole.stop not in holes:  # `freed` is sorted: the first of a run covers the others
            holes[hole.stop] = hole
    return list(holes.values())


def _end_of_use(data: bytes, live: Sequence[int]) -> int:
    """The first index behind every string in use and behind the NUL of the last bytes that are not zero."""
    return min(len(data), max(len(data.rstrip(b"\0")) + 1, max(live, default=0) + 1))
