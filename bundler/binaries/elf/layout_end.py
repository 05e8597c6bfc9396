"""Tier T2: the last segment grows past its zeros (.bss), and holds the string table and, where needed, .dynamic.

Nothing that has an address moves. Only what has none, behind the segment in the file, is shifted: symbols for
debuggers, the section headers, a payload. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import Demand, Draft, Source
from bundler.binaries.elf.dynamic import with_table
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.image import read_at
from bundler.binaries.elf.sections import SectionTable, in_segment
from bundler.binaries.elf.structs import Section, Segment
from bundler.binaries.patch import Literal, Piece, Zeros
from bundler.errors import CannotPatch

_ALIGNMENT = 16
_SPARE_ENTRIES = 5
_MOST_ZEROS = 1 << 30
_CHUNK = 1 << 16


def plan_end(source: Source, demand: Demand) -> PatchPlan:
    """The patch with the string table, and .dynamic if it has no room, at the end of the last segment.

    Raises CannotPatch, with the numbers, where that segment cannot grow.
    """
    number = _last_segment(source)
    last = source.image.segments[number]
    table, layouts = source.table, source.image.structures
    moves_dynamic = not demand.fits_dynamic(source)
    moves_table = not demand.fits_table(source)
    if moves_dynamic and not last.flags & c.PF_W and _is_writable(source, source.dynamic_address):
        raise CannotPatch(f"the dynamic section needs room, but segment {number}, the last one, is not writable")
    new_table = demand.strings.apply(table.data)
    grows_in_place = (
        moves_table
        and not moves_dynamic
        and last.filesz == last.memsz
        and table.offset + len(table.data) == last.offset + last.filesz
    )
    draft = Draft(source, demand.edits)
    draft.edit_table(
        demand.strings.changes_in_place(len(table.data))
        if grows_in_place or not moves_table
        else demand.strings.changes
    )

    # Addresses: the segment's old end, then .dynamic, then the table, so that the table can grow again later.
    end = last.vaddr + last.memsz
    start = end if grows_in_place else _align(end, _ALIGNMENT)
    dynamic_address = start if moves_dynamic else source.dynamic_address
    dynamic_size = (len(demand.entries) + 1 + _SPARE_ENTRIES) * layouts.dynamic.size if moves_dynamic else 0
    table_address = table.address if grows_in_place or not moves_table else start + dynamic_size
    table_size = len(new_table) if moves_table else len(table.data)
    entries = with_table(demand.entries_at(source, dynamic_address), table_address, table_size)
    contents = b""
    if moves_dynamic:
        contents = b"".join(layouts.dynamic.pack(entry) for entry in entries).ljust(dynamic_size, b"\0")
        _move_dynamic(draft, dynamic_address, dynamic_size, number)
    else:
        draft.edit_dynamic(entries)
    if grows_in_place:
        contents = new_table[len(table.data) :]
    elif moves_table:
        contents += new_table
    if moves_table:
        section = source.sections.find(c.SHT_STRTAB, table.address)
        offset = last.offset + table_address - last.vaddr
        draft.set_section(section, addr=table_address, offset=offset, size=table_size)

    growth = _insert(draft, number, start, contents)
    for vacated in draft.vacated():
        draft.cover(vacated)
    what = " and ".join(
        name for name, moves in ((".dynamic", moves_dynamic), ("the string table", moves_table)) if moves
    )
    explanation = f"{what} put behind segment {number}, the file grows by {growth} bytes"
    if payload := source.payload():
        explanation += f"; {payload} bytes that follow the ELF image move by as much"
    return PatchPlan(draft.finish(_shifted(source.header.shoff, last, growth)), Tier.T2, explanation)


def _last_segment(source: Source) -> int:
    """The number of the PT_LOAD with the highest address, if it can grow."""
    segments = source.image.segments
    loads = source.loads()
    if loads != sorted(loads):
        raise CannotPatch("the segments to be loaded are not in the order of their addresses")
    last = segments[loads[-1]]
    zeros = last.memsz - last.filesz
    if zeros > _MOST_ZEROS:
        raise CannotPatch(f"{zeros} zero bytes would have to be stored; the limit is {_MOST_ZEROS}")
    if source.header.phoff >= last.offset + last.filesz:
        raise CannotPatch("the program header table lies behind the last segment and would move")
    return loads[-1]


def _insert(draft: Draft, number: int, start: int, contents: bytes) -> int:
    """Grow segment `number` to hold `contents` at address `start`; gives the bytes by which the file grows."""
    source = draft.source
    last = source.image.segments[number]
    at = last.offset + last.filesz
    gap = start - (last.vaddr + last.filesz)
    extent = start + len(contents) - last.vaddr
    if last.vaddr + extent >= 1 << source.image.elf_class.bits:
        raise CannotPatch(f"the last segment would end at address {last.vaddr + extent:#x}, out of range")
    room = source.free_after(at, gap + len(contents)) if gap < _ALIGNMENT else 0
    growth = _align(max(0, gap + len(contents) - room), _shift_alignment(source, at))
    blob: list[Piece] = []
    if gap + len(contents) <= growth:
        blob = [Zeros(gap), Literal(contents), Zeros(growth - gap - len(contents))]
    else:  # the rest goes over the zero bytes behind the segment
        data = bytes(gap) + contents
        blob = [Literal(data[:growth])]
        draft.edits[at] = data[growth:]
    if growth:
        draft.insertions[at] = tuple(blob)
    draft.set_segment(number, filesz=extent, memsz=extent)
    for other, segment in enumerate(source.image.segments):
        moved = draft.segments[other].vaddr != segment.vaddr  # PT_DYNAMIC, into the new bytes
        if other != number and not moved and segment.filesz and segment.offset >= at:
            draft.set_segment(other, offset=segment.offset + growth)
    for index, section in enumerate(source.sections.sections):
        if draft.sections[index].addr != section.addr:
            continue  # it was moved into the new bytes
        if section.type == c.SHT_NOBITS and in_segment(section, last.vaddr, last.memsz):
            draft.set_section(index, offset=last.offset + section.addr - last.vaddr)
        elif _has_place(section) and section.offset >= at:
            draft.set_section(index, offset=section.offset + growth)
        elif _has_place(section) and section.offset + section.size > at and section.type != c.SHT_NOBITS:
            raise CannotPatch(f"section {index} lies across the end of the last segment")
    return growth


def _has_place(section: Section) -> bool:
    """Whether the section's offset means a place in the file that shifts with what is around it."""
    if section.type == c.SHT_NULL:
        return False
    return bool(section.size) or not section.flags & c.SHF_ALLOC


def _shift_alignment(source: Source, at: int) -> int:
    """The multiple by which what lies behind offset `at` may be shifted."""
    aligns = [s.align for s in source.image.segments if s.type == c.PT_LOAD and s.filesz and s.offset >= at]
    if aligns:  # mapped contents keep their offset within the page
        return max(source.page_size, *aligns)
    wanted = (s.addralign for s in source.sections.sections if s.offset >= at and _has_place(s))
    return max(_ALIGNMENT, *(align for align in wanted if align <= 4096 and align & (align - 1) == 0), 0)


def _shifted(offset: int, last: Segment, growth: int) -> int:
    return offset + growth if offset >= last.offset + last.filesz else offset


def _move_dynamic(draft: Draft, address: int, size: int, number: int) -> None:
    """Move PT_DYNAMIC, the section header and the symbol _DYNAMIC to `address` in segment `number`."""
    source = draft.source
    last = source.image.segments[number]
    offset = last.offset + address - last.vaddr
    old = source.dynamic_address
    draft.set_segment(source.dynamic_segment, offset=offset, vaddr=address, paddr=address, filesz=size, memsz=size)
    draft.set_section(source.sections.find(c.SHT_DYNAMIC, old), addr=address, offset=offset, size=size)
    for place in _dynamic_symbols(source.file, source, source.sections, old):
        draft.edits[place] = source.image.structures.address.pack(address)


def _dynamic_symbols(file: BinaryIO, source: Source, sections: SectionTable, address: int) -> list[int]:
    """File offsets of the value of each symbol named _DYNAMIC."""
    layout = source.image.structures.symbol
    value = layout.only("value")
    found = []
    for section in sections.sections:
        if section.type not in (c.SHT_SYMTAB, c.SHT_DYNSYM) or section.link >= len(sections.sections):
            continue
        names = sections.sections[section.link]
        for start in range(0, section.size - section.size % layout.size, _CHUNK * layout.size):
            length = min(_CHUNK * layout.size, section.size - section.size % layout.size - start)
            data = read_at(file, section.offset + start, length, "a symbol table")
            for index, (number,) in enumerate(value.iter_unpack(data)):
                if number != address:
                    continue
                name = layout.read(data, index * layout.size).name
                if name + 9 <= names.size and read_at(file, names.offset + name, 9, "a name") == b"_DYNAMIC\0":
                    place = section.offset + start + index * layout.size + layout.position("value")
                    found.append(place)
    return found


def _is_writable(source: Source, address: int) -> bool:
    return any(
        segment.type == c.PT_LOAD and segment.flags & c.PF_W and 0 <= address - segment.vaddr < segment.memsz
        for segment in source.image.segments
    )


def _align(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
