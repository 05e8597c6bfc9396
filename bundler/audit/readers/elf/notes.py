"""The notes of an ELF file, and which of their bytes may be emptied: a note of absolute paths for the loader of NixOS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from bundler.audit.readers.bytewise import not_zero, read_range
from bundler.audit.readers.difference import Difference
from bundler.audit.readers.elf.reading import note_header
from bundler.audit.readers.elf.shift import Shift
from bundler.audit.readers.facts import ElfFacts
from bundler.audit.readers.ranges import Range
from bundler.binaries.elf import constants as c

_MOST = 1 << 18  # bytes of notes in a segment
_HEADER = 12  # bytes, in all classes
_TYPE = (8, 12)
"""Where the header of a note has its type."""
_RESOLUTION_CACHE = (b"NixOS", 0x63A86CB6)


class NoteFacts(NamedTuple):
    """A note: whose it is, its type, where it begins, and the bytes of its description."""

    owner: bytes
    type: int
    start: int
    description: Range


def notes(file: BinaryIO, facts: ElfFacts) -> list[NoteFacts]:
    """The notes in all PT_NOTE segments of up to 256 KiB, each once; what is damaged ends a segment's."""
    found: dict[int, NoteFacts] = {}
    for segment in facts.segments:
        start, end = segment.range
        if segment.type == c.PT_NOTE and segment.filesz <= _MOST and end <= facts.size:
            unit = 8 if segment.align == 8 else 4
            while start + _HEADER <= end:
                name, size, kind = note_header(facts, read_range(file, start, start + _HEADER))
                text = segment.offset + -(-(start - segment.offset + _HEADER + name) // unit) * unit
                if text + size > end:
                    break
                owner = read_range(file, start + _HEADER, start + _HEADER + name).rstrip(b"\0")
                found.setdefault(start, NoteFacts(owner, kind, start, (text, text + size)))
                start = segment.offset + -(-(text + size - segment.offset) // unit) * unit
    return list(found.values())


def emptied_ranges(file: BinaryIO, source: ElfFacts) -> Iterator[Range]:
    """The bytes of the source that are emptied where its notes for the loader of NixOS go: their types and descriptions."""
    for note in notes(file, source):
        if (note.owner, note.type) == _RESOLUTION_CACHE:
            yield note.start + _TYPE[0], note.start + _TYPE[1]
            yield note.description


def left_in_notes(
    source_file: BinaryIO, source: ElfFacts, changed_file: BinaryIO, shift: Shift
) -> Iterator[Difference]:
    """What is left of such notes in the changed file."""
    for range_ in emptied_ranges(source_file, source):
        for place in shift.image(range_):
            for low, _ in not_zero(changed_file, place):
                yield Difference("a note for the loader of NixOS", "it should be empty", f"the file has it at {low:#x}")
                return
