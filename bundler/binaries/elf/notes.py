"""Notes: what a file says of itself to the kernel, the loader and to tools (PT_NOTE).

Source: gABI 5, "Note Section"; glibc's elf/dl-load.c: names and descriptions are padded to 8 bytes where the segment is
aligned so, else to 4. A note is no more than a hint: what is damaged ends the list and is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import Segment, Structures
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError

_MOST = 1 << 18  # bytes of notes in a segment
_MOST_TOGETHER = 1 << 20  # bytes in all of them: segments may lie over each other


class Note(NamedTuple):
    """One note."""

    owner: bytes
    """The name that says whose `type` it is, without its NUL."""
    type: int
    description: bytes
    offset: int
    """File offset of the record."""
    description_offset: int
    """File offset of the description."""


def read_notes(file: BinaryIO, layouts: Structures, segments: Sequence[Segment]) -> tuple[Note, ...]:
    """The notes of the seekable `file`, segment by segment; those of more than 256 KiB, or a MiB together, are not read."""
    found: dict[int, Note] = {}
    left = _MOST_TOGETHER
    for segment in segments:
        if segment.type == c.PT_NOTE and 0 < segment.filesz <= min(_MOST, left):
            left -= segment.filesz
            try:
                data = read_at(file, segment.offset, segment.filesz, "notes")
            except BinaryFormatError:
                continue
            for note in _notes(data, segment, layouts):
                found.setdefault(note.offset, note)
    return tuple(found.values())


def _notes(data: bytes, segment: Segment, layouts: Structures) -> Iterator[Note]:
    layout, unit = layouts.note, 8 if segment.align == 8 else 4
    at = 0
    while at + layout.size <= len(data):
        header = layout.read(data, at)
        name = at + layout.size
        start = at + _padded(layout.size + header.namesz, unit)
        end = start + header.descsz
        if end > len(data):
            return
        owner = data[name : name + header.namesz].rstrip(b"\0")
        yield Note(owner, header.type, data[start:end], segment.offset + at, segment.offset + start)
        at = start + _padded(header.descsz, unit)


def _padded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
