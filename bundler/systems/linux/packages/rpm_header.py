"""A header of rpm's, as its database keeps one a package (rpm.org, "RPM V4 Package format": Header).

Two numbers of four bytes, big-endian: how many entries the index has, and how many bytes the data. Then the index: tag, type,
offset in the data, count. Then the data. In the database the eight bytes of a package file's header (magic, version) are missing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

_SIZES = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")
_INT32, _STRING, _STRINGS, _TRANSLATED = 4, 6, 8, 9
_MOST_ENTRIES = 1 << 16  # rpm's own bound (HEADER_TAGS_MAX)


class _Entry(NamedTuple):
    kind: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header that was read: its values by tag."""

    entries: Mapping[int, _Entry]
    data: bytes

    def text(self, tag: int) -> str:
        """A text, or the first of several; "" where there is none. Raises ValueError for what does not end in the data."""
        return next(iter(self.texts(tag)), "")

    def texts(self, tag: int) -> list[str]:
        """All texts of a tag. Raises ValueError for what does not end in the data."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind not in (_STRING, _STRINGS, _TRANSLATED):
            return []
        found = self.data[entry.offset :].split(b"\0", entry.length)
        if len(found) <= entry.length:
            raise ValueError(f"tag {tag} has {entry.length} texts, and the header ends within them")
        return [text.decode("utf-8", "surrogateescape") for text in found[: entry.length]]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """All numbers of four bytes of a tag. Raises ValueError for what does not end in the data."""
        entry = self.entries.get(tag)
        if entry is None or entry.kind != _INT32:
            return ()
        end = entry.offset + 4 * entry.length
        if end > len(self.data):
            raise ValueError(f"tag {tag} has {entry.length} numbers, and the header ends within them")
        return struct.unpack(f">{entry.length}I", self.data[entry.offset : end])


def read_header(blob: bytes) -> Header:
    """The header in the bytes that the database has. Raises ValueError for what is none."""
    if len(blob) < _SIZES.size:
        raise ValueError(f"a header has at least {_SIZES.size} bytes, and this has {len(blob)}")
    count, size = _SIZES.unpack_from(blob)
    start = _SIZES.size + count * _ENTRY.size
    if count > _MOST_ENTRIES or start + size > len(blob):
        raise ValueError(f"{count} entries and {size} bytes do not fit into {len(blob)}")
    entries = {}
    for tag, kind, offset, number in _ENTRY.iter_unpack(blob[_SIZES.size : start]):
        if offset <= size:  # entries of regions may point elsewhere
            entries[tag] = _Entry(kind, offset, number)
    return Header(entries, blob[start : start + size])
