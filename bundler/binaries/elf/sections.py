"""Section headers: the tools' copy of the layout. The loader does not read them; strip and readelf do."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.structs import FileHeader, Section, Segment
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch


@dataclass(frozen=True, slots=True)
class SectionTable:
    """The section headers."""

    offset: int
    """Where the table lies in the file, in bytes from the start."""
    sections: tuple[Section, ...]
    """None in a file without sections."""

    def find(self, type_: int, address: int) -> int | None:
        """The number of the section of type `type_` that lies at `address`; names are not looked at."""
        matches = (n for n, section in enumerate(self.sections) if section.type == type_ and section.addr == address)
        return next(matches, None)


def read_sections(file: BinaryIO, image: Image, header: FileHeader) -> SectionTable:
    """The section headers of the file.

    Raises CannotPatch where their count stands in section 0 (SHN_XINDEX), BinaryFormatError where they leave the file.
    """
    if header.shoff == 0:
        return SectionTable(0, ())
    layout = image.structures.section
    if header.shnum == 0 or header.shstrndx == c.SHN_XINDEX:
        count = header.shnum or layout.read(read_at(file, header.shoff, layout.size, "section header 0")).size
        raise CannotPatch(
            f"the first of {count} section headers counts or names them (SHN_XINDEX); up to 65279 are supported"
        )
    if header.shentsize != layout.size:
        raise BinaryFormatError(f"a section header has {layout.size} bytes, the ELF header says {header.shentsize}")
    data = read_at(file, header.shoff, header.shnum * layout.size, "the section header table")
    sections = tuple(layout.read_all(data))
    for number, section in enumerate(sections):
        if section.type not in (c.SHT_NULL, c.SHT_NOBITS) and section.offset + section.size > image.size:
            raise BinaryFormatError(
                f"section {number} ends at offset {section.offset + section.size}, the file at {image.size}"
            )
    return SectionTable(header.shoff, sections)


def takes_memory(section: Section) -> bool:
    """Whether the loader gives the section memory of its own, which .tbss alone does not have."""
    thread_zeros = section.type == c.SHT_NOBITS and section.flags & c.SHF_TLS
    return bool(section.flags & c.SHF_ALLOC and section.size and not thread_zeros)


def in_segment(section: Section, address: int, size: int) -> bool:
    """Whether the section takes memory in the `size` bytes at `address`."""
    return 0 <= section.addr - address < size and takes_memory(section)


def holders(sections: Iterable[Section], segments: Iterable[Segment]) -> set[int]:
    """The numbers of the PT_LOADs among `segments` in which a section begins."""
    addresses = sorted({section.addr for section in sections if takes_memory(section)})

    def first_in(segment: Segment) -> int | None:
        at = bisect.bisect_left(addresses, segment.vaddr)
        return addresses[at] if at < len(addresses) else None

    loads = ((number, segment) for number, segment in enumerate(segments) if segment.type == c.PT_LOAD)
    return {n for n, load in loads if (first := first_in(load)) is not None and first < load.vaddr + load.memsz}
