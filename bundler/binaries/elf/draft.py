"""A new layout in the making: segments, sections and bytes that change, gathered and turned into a patch once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.dynamic import WantedEntry
from bundler.binaries.elf.image import IDENT_SIZE, Image, read_at
from bundler.binaries.elf.sections import SectionTable, in_segment
from bundler.binaries.elf.strings import Placement, StringTable
from bundler.binaries.elf.structs import DynamicEntry, FileHeader, Section, Segment
from bundler.binaries.patch import Literal, Patch, Piece, splice
from bundler.errors import CannotPatch

_LARGEST_PAGE = 16 << 20  # a p_align above this is a linker script's fancy, no page size


@dataclass(frozen=True, slots=True)
class Source:
    """The file to be patched, and what was read of it."""

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

    @property
    def page_size(self) -> int:
        """The largest page with which the file may be mapped: a property of machine and file, not of this host."""
        aligns = (s.align for s in self.image.segments if s.type == c.PT_LOAD and s.align <= _LARGEST_PAGE)
        return max(c.PAGE_SIZES.get(self.image.machine, 0x1000), max(aligns, default=0))

    def loads(self) -> list[int]:
        """The numbers of the PT_LOAD segments, by address."""
        numbers = [n for n, segment in enumerate(self.image.segments) if segment.type == c.PT_LOAD]
        return sorted(numbers, key=lambda number: self.image.segments[number].vaddr)

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
        owned = self.owned()
        if any(start <= offset < end for start, end in owned):
            return 0
        following = min((start for start, _ in owned if start >= offset), default=offset)
        room = min(following - offset, wanted)
        data = read_at(self.file, offset, room, "the bytes behind a segment")
        return len(data) - len(data.lstrip(b"\0"))

    def payload(self) -> int:
        """How many bytes follow the last thing that belongs to the ELF image."""
        return self.image.size - max(end for _, end in self.owned())


@dataclass(frozen=True, slots=True)
class Demand:
    """What needs room: the wanted dynamic entries and the placed strings, with edits that are settled already."""

    entries: Sequence[WantedEntry]
    strings: Placement
    edits: dict[int, bytes]

    def fits_dynamic(self, source: Source) -> bool:
        """Whether the entries and a DT_NULL fit where the dynamic section is."""
        return len(self.entries) < source.capacity

    def fits_table(self, source: Source) -> bool:
        """Whether the string table need not grow."""
        return self.strings.new_size(len(source.table.data)) == len(source.table.data)

    def entries_at(self, source: Source, address: int) -> tuple[DynamicEntry, ...]:
        """The finished entries for a dynamic section at `address`.

        DT_MIPS_RLD_MAP_REL counts from its own entry, so it changes where the entry moves.
        """
        layouts = source.image.structures
        size = layouts.dynamic.size
        entries = []
        for number, entry in enumerate(self.entries):
            value = entry.value if entry.text is None else self.strings.indices[entry.text]
            if entry.tag == c.DT_MIPS_RLD_MAP_REL and entry.origin is not None:
                moved = address + number * size - (source.dynamic_address + entry.origin * size)
                value = (value - moved) % (1 << layouts.elf_class.bits)
            entries.append(DynamicEntry(entry.tag, value))
        return tuple(entries)


class Draft:
    """Changes to a source, gathered. All offsets are the source's until `finish`."""

    def __init__(self, source: Source, edits: dict[int, bytes]) -> None:
        self.source = source
        self.segments: list[Segment] = list(source.image.segments)
        self.sections: list[Section] = list(source.sections.sections)
        self.edits = dict(edits)
        self.insertions: dict[int, tuple[Piece, ...]] = {}

    def set_segment(self, number: int, **changes: int) -> None:
        """Change fields of a program header."""
        self.segments[number] = replace(self.segments[number], **changes)

    def set_section(self, number: int | None, **changes: int) -> None:
        """Change fields of a section header, where there is one."""
        if number is not None:
            self.sections[number] = replace(self.sections[number], **changes)

    def edit_table(self, changes: dict[int, bytes]) -> None:
        """Change bytes of the string table where it is."""
        for at, data in changes.items():
            if data:
                self.edits[self.source.table.offset + at] = data

    def edit_dynamic(self, entries: Sequence[DynamicEntry]) -> None:
        """Write the entries over the old ones, DT_NULL behind them; only what differs is touched."""
        layout = self.source.image.structures.dynamic
        old = self.source.image.dynamic or ()
        null = DynamicEntry(c.DT_NULL, 0)
        for number in range(max(len(old), len(entries))):
            new = entries[number] if number < len(entries) else null
            if number >= len(old) or new != old[number]:
                self.edits[self.source.dynamic_offset + number * layout.size] = layout.pack(new)

    def vacated(self) -> list[int]:
        """The PT_LOADs that lost their last section: BFD's strip writes nonsense for those (reference 1.3, rule V)."""

        def held(sections: Sequence[Section], segment: Segment) -> bool:
            return any(in_segment(section, segment.vaddr, segment.memsz) for section in sections)

        before = enumerate(self.source.image.segments)
        loads = [n for n, old in before if old.type == c.PT_LOAD and held(self.source.sections.sections, old)]
        return [number for number in loads if not held(self.sections, self.segments[number])]

    def cover(self, number: int) -> None:
        """Add a section header over what a string table or .dynamic left behind in segment `number`.

        The header table must be the last thing of the ELF image, as it is for every linker: CannotPatch otherwise.
        """
        segment = self.segments[number]
        table = self.source.sections
        size = len(table.sections) * self.source.image.structures.section.size
        if any(end > table.offset + size for _, end in self.source.owned()):
            raise CannotPatch(f"segment {number} would be left without a section, and there is no room for another")
        old = next(s for s in table.sections if in_segment(s, segment.vaddr, segment.memsz))
        # Its name without the dot: an index into the section names that is there already.
        size = min(old.size, segment.vaddr + segment.memsz - old.addr)
        section = replace(old, name=old.name + 1, type=c.SHT_PROGBITS, size=size, link=0, info=0, entsize=0)
        self.sections.append(section)

    def finish(self, shoff: int | None = None) -> Patch:
        """The patch. `shoff` is the new place of the section header table, where it moves."""
        source, layouts = self.source, self.source.image.structures
        edits = self.edits
        for number, segment in enumerate(self.segments):
            if segment != source.image.segments[number]:
                edits[source.header.phoff + number * layouts.segment.size] = layouts.segment.pack(segment)
        for number, old in enumerate(source.sections.sections):
            if self.sections[number] != old:
                place = source.sections.offset + number * layouts.section.size
                edits[place] = layouts.section.pack(self.sections[number])
        if added := self.sections[source.header.shnum :]:
            end = source.sections.offset + source.header.shnum * layouts.section.size
            self.insertions[end] = tuple(Literal(layouts.section.pack(section)) for section in added)
            edits[IDENT_SIZE + layouts.header.position("shnum")] = layouts.header.pack_field(
                "shnum", len(self.sections)
            )
        if shoff is not None and shoff != source.header.shoff:
            edits[IDENT_SIZE + layouts.header.position("shoff")] = layouts.address.pack(shoff)
        return splice(source.image.size, edits, self.insertions)
