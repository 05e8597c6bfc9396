"""The file to be patched, as the patcher reads it: its movable parts, what owns which bytes, and which are free."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import IDENT_SIZE, Image, read_header
from bundler.binaries.elf.sections import SectionTable, holders, read_sections
from bundler.binaries.elf.strings import StringTable, read_string_table
from bundler.binaries.elf.structs import FileHeader
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError

_PADDING = 4096  # zeros behind the image, up to this many, are padding and nobody's payload


class MovablePart(Enum):
    """What may be put elsewhere, in the order in which parts lie one behind the other. What grows most is last."""

    DYNAMIC = ".dynamic"
    INTERPRETER = "the interpreter's path"
    TABLE = "the string table"


@dataclass(frozen=True)
class ParsedFile:
    """The file to be patched, with all that was read of it."""

    file: BinaryIO
    image: Image
    header: FileHeader
    sections: SectionTable
    table: StringTable
    dynamic_segment: int
    """The number of PT_DYNAMIC among the segments."""
    dynamic_offset: int
    """File offset of the dynamic section."""
    capacity: int
    """How many entries the dynamic section can hold, DT_NULL included."""

    @property
    def dynamic_address(self) -> int:
        """Address of the dynamic section."""
        return self.image.segments[self.dynamic_segment].vaddr

    @functools.cached_property
    def interpreter_segment(self) -> int | None:
        """The number of PT_INTERP among the segments."""
        return next((n for n, s in enumerate(self.image.segments) if s.type == c.PT_INTERP and s.filesz), None)

    @property
    def machine_page(self) -> int:
        """The largest page that a kernel for the machine may use."""
        return c.PAGE_SIZES.get(self.image.machine, 0x1000)

    @functools.cached_property
    def page_size(self) -> int:
        """See `Image.page_size`."""
        return self.image.page_size

    def extent(self, part: MovablePart) -> tuple[int, int] | None:
        """Address and size of a part; None where there is none."""
        match part:
            case MovablePart.DYNAMIC:
                segment = self.image.segments[self.dynamic_segment]
            case MovablePart.INTERPRETER:
                number = self.interpreter_segment
                if number is None:
                    return None
                segment = self.image.segments[number]
            case MovablePart.TABLE:
                return self.table.address, len(self.table.data)
        return segment.vaddr, segment.filesz

    @functools.cached_property
    def holders(self) -> set[int]:
        """The numbers of the PT_LOADs in which a section begins."""
        return holders(self.sections.sections, self.image.segments)

    @functools.cached_property
    def loads(self) -> list[int]:
        """The numbers of the PT_LOAD segments, by address."""
        numbers = [n for n, segment in enumerate(self.image.segments) if segment.type == c.PT_LOAD]
        return sorted(numbers, key=lambda number: self.image.segments[number].vaddr)

    @functools.cached_property
    def owned(self) -> list[tuple[int, int]]:
        """The parts of the file that something owns, as (start, end) offsets."""
        layouts = self.image.structures
        parts = [(0, IDENT_SIZE + layouts.header.size)]
        parts.append((self.header.phoff, self.header.phoff + self.header.phnum * layouts.segment.size))
        parts.append((self.sections.offset, self.sections.offset + len(self.sections.sections) * layouts.section.size))
        parts += [(s.offset, s.offset + s.filesz) for s in self.image.segments]
        parts += [
            (s.offset, s.offset + s.size) for s in self.sections.sections if s.type not in (c.SHT_NULL, c.SHT_NOBITS)
        ]
        return [(start, end) for start, end in parts if start < end]

    def free_after(self, offset: int, wanted: int) -> int:
        """How many zero bytes from `offset`, up to `wanted`, belong to nobody.

        None do where nothing of the ELF image follows: a payload may begin with zeros.
        """
        owned = self.owned
        if any(start <= offset < end for start, end in owned):
            return 0
        following = min((start for start, _ in owned if start >= offset), default=offset)
        room = min(following - offset, wanted)
        data = read_at(self.file, offset, room, "the bytes behind a segment")
        return len(data) - len(data.lstrip(b"\0"))

    def payload(self) -> int:
        """How many bytes follow the last thing that belongs to the ELF image; 0 for padding."""
        end = max(end for _, end in self.owned)
        length = self.image.size - end
        if 0 < length <= _PADDING and not read_at(self.file, end, length, "the bytes behind the image").strip(b"\0"):
            return 0
        return length


def parse_file(file: BinaryIO, image: Image) -> ParsedFile:
    """All that is needed of a file to patch it.

    Raises BinaryFormatError where it has no dynamic section or headers contradict each other, CannotPatch for section
    headers of an unusual form.
    """
    _, header = read_header(file)
    dynamic = image.dynamic or ()
    number = next((n for n, segment in enumerate(image.segments) if segment.type == c.PT_DYNAMIC), None)
    if number is None:
        raise BinaryFormatError(f"none of the {len(image.segments)} segments is PT_DYNAMIC")
    segment = image.segments[number]
    offset = image.offset_of(segment.vaddr, segment.filesz)
    if offset is None or offset != segment.offset:
        raise BinaryFormatError(
            f"PT_DYNAMIC gives the offset {segment.offset:#x} and the address {segment.vaddr:#x}, which do not belong together"
        )
    size = image.structures.dynamic.size
    rest = read_at(file, offset + len(dynamic) * size, segment.filesz - len(dynamic) * size, "the dynamic section")
    spare = (len(rest) - len(rest.lstrip(b"\0"))) // size
    return ParsedFile(
        file=file,
        image=image,
        header=header,
        sections=read_sections(file, image, header),
        table=read_string_table(file, image),
        dynamic_segment=number,
        dynamic_offset=offset,
        capacity=len(dynamic) + spare,
    )
