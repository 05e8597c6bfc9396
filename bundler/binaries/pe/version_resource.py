"""The version that a PE file has in its resources: four numbers, as Windows' Explorer shows them.

Sources: "PE Format" of Microsoft's documentation (the .rsrc section), VS_VERSIONINFO and VS_FIXEDFILEINFO.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.headers import Headers

_SUBDIRECTORY = 1 << 31
_MOST_ENTRIES = 4096
_KEY = "VS_VERSION_INFO\0".encode("utf-16-le")
_FIXED = 40
"""Offset of VS_FIXEDFILEINFO: behind three words and the key, at a multiple of 4."""
_LENGTH = _FIXED + 52


@dataclass(frozen=True, slots=True)
class VersionResource:
    """The two versions of VS_FIXEDFILEINFO."""

    file: tuple[int, int, int, int]
    product: tuple[int, int, int, int]


def read_version(file: BinaryIO, headers: Headers) -> VersionResource | None:
    """The version of a file; None where it has none. Raises BinaryFormatError where its resources are damaged."""
    root = headers.directory(c.RESOURCE).address
    kind = _entry(file, headers, root, 0, c.RT_VERSION) if root else None
    if kind is None or not kind & _SUBDIRECTORY:
        return None
    name = _entry(file, headers, root, kind - _SUBDIRECTORY, None)
    if name is None or not name & _SUBDIRECTORY:
        return None
    language = _entry(file, headers, root, name - _SUBDIRECTORY, None)
    if language is None or language & _SUBDIRECTORY:
        return None
    record = headers.bytes_at(file, root + language, s.RESOURCE_DATA.size, "the place of the version resource")
    address, size, *_ = s.RESOURCE_DATA.unpack(record)
    if size < _LENGTH:
        return None
    data = headers.bytes_at(file, address, _LENGTH, "the version resource")
    if data[6 : 6 + len(_KEY)] != _KEY or s.DWORD.unpack_from(data, _FIXED)[0] != c.VS_FIXEDFILEINFO_SIGNATURE:
        return None
    words = [s.WORD.unpack_from(data, _FIXED + 8 + 2 * number)[0] for number in range(8)]
    return VersionResource((words[1], words[0], words[3], words[2]), (words[5], words[4], words[7], words[6]))


def _entry(file: BinaryIO, headers: Headers, root: int, place: int, wanted: int | None) -> int | None:
    """What a directory of resources, `place` bytes behind the root, has under the number `wanted`; of None, its first entry."""
    what = "a directory of resources"
    head = headers.bytes_at(file, root + place, s.RESOURCE_DIRECTORY.size, what)
    *_, named, numbered = s.RESOURCE_DIRECTORY.unpack(head)
    count = min(named + numbered, _MOST_ENTRIES)
    table = headers.bytes_at(file, root + place + len(head), count * s.RESOURCE_ENTRY.size, what)
    for number, target in s.RESOURCE_ENTRY.iter_unpack(table):
        if wanted is None or number == wanted:
            return int(target)
    return None
