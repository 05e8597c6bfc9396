"""Tier T2: the last segment grows past its zeros (.bss), and holds the string table and, where needed, .dynamic.

Nothing that has an address moves. Only what has none, behind the segment in the file, is shifted: symbols for
debuggers, the section headers, a payload. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import Demand, Draft, Source
from bundler.binaries.elf.dynamic import with_table
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.image import read_at
from bundler.binaries.elf.sections import in_segment
from bundler.binaries.elf.structs import Section, Segment
from bundler.binaries.patch import Literal, Piece, Zeros
from bundler.errors import CannotPatch

_ALIGNMENT = 16
_SPARE_ENTRIES = 5
_MOST_ZEROS = 1 << 30
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class _Plan:
    """What moves, and where to. Addresses are in order: the segment's old end, .dynamic, the string table."""

    segment: int
    """The number of the segment that grows."""
    start: int
    """Address of the first new byte that is not zero."""
    moves_dynamic: bool
    dynamic_address: int
    dynamic_size: int
    moves_table: bool
    extends_table: bool
    """The table is the last thing in the segment already and only grows."""
    table_address: int
    table: bytes

    def describe(self) -> str:
        """What is done, in words."""
        place = f"behind segment {self.segment}"
        if self.extends_table:
            return f"the string table, {place} already, grew to {len(self.table)} bytes"
        names = [".dynamic"] * self.moves_dynamic + ["the string table"] * self.moves_table
        return f"{' and '.join(names)} put {place}"


def plan_end(source: Source, demand: Demand) -> PatchPlan:
    """The patch with the string table, and .dynamic if it has no room, at the end of the last segment.

    Raises CannotPatch, with the numbers, where that segment cannot grow.
    """
    plan = _decide(source, demand)
    last = source.image.segments[plan.segment]
    draft = Draft(source, demand.edits)
    in_place = plan.extends_table or not plan.moves_table
    draft.edit_table(demand.strings.changes_in_place(len(source.table.data)) if in_place else demand.strings.changes)
    entries = with_table(demand.entries_at(source, plan.dynamic_address), plan.table_address, len(plan.table))
    contents = b""
    if plan.moves_dynamic:
        layout = source.image.structures.dynamic
        contents = b"".join(layout.pack(entry) for entry in entries).ljust(plan.dynamic_size, b"\0")
        _move_dynamic(draft, plan.dynamic_address, plan.dynamic_size, last)
    else:
        draft.edit_dynamic(entries)
    if plan.moves_table:
        contents += plan.table[len(source.table.data) :] if plan.extends_table else plan.table
        number = source.sections.find(c.SHT_STRTAB, source.table.address)
        offset = last.offset + plan.table_address - last.vaddr
        draft.set_section(number, addr=plan.table_address, offset=offset, size=len(plan.table))
    growth = _insert(draft, plan.segment, plan.start, contents)
    for vacated in draft.vacated():
        draft.cover(vacated)
    patch = draft.finish(_shifted(source.header.shoff, last, growth))
    explanation = f"{plan.describe()}; the file grows by {patch.size - source.image.size} bytes"
    if payload := source.payload():
        explanation += f", and {payload} bytes that follow the ELF image move by as much"
    return PatchPlan(patch, Tier.T2, explanation)


def _decide(source: Source, demand: Demand) -> _Plan:
    """What must move, and the addresses it gets."""
    number = _last_segment(source)
    last, table = source.image.segments[number], source.table
    moves_dynamic, moves_table = not demand.fits_dynamic(source), not demand.fits_table(source)
    if moves_dynamic and not last.flags & c.PF_W and _is_writable(source, source.dynamic_address):
        raise CannotPatch(
            f"the dynamic section holds {source.capacity} entries and needs {len(demand.entries) + 1}, but segment "
            f"{number}, the last one, is not writable"
        )
    ends_segment = last.filesz == last.memsz and table.offset + len(table.data) == last.offset + last.filesz
    extends_table = moves_table and not moves_dynamic and ends_segment
    end = last.vaddr + last.memsz
    start = end if extends_table else _align(end, _ALIGNMENT)
    entry_size = source.image.structures.dynamic.size
    dynamic_size = (len(demand.entries) + 1 + _SPARE_ENTRIES) * entry_size if moves_dynamic else 0
    return _Plan(
        segment=number,
        start=start,
        moves_dynamic=moves_dynamic,
        dynamic_address=start if moves_dynamic else source.dynamic_address,
        dynamic_size=dynamic_size,
        moves_table=moves_table,
        extends_table=extends_table,
        table_address=start + dynamic_size if moves_table and not extends_table else table.address,
        table=demand.strings.apply(table.data) if moves_table else table.data,
    )


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


def _move_dynamic(draft: Draft, address: int, size: int, last: Segment) -> None:
    """Move PT_DYNAMIC, the section header and the symbol _DYNAMIC to `address` in the segment `last`."""
    source = draft.source
    offset = last.offset + address - last.vaddr
    old = source.dynamic_address
    draft.set_segment(source.dynamic_segment, offset=offset, vaddr=address, paddr=address, filesz=size, memsz=size)
    draft.set_section(source.sections.find(c.SHT_DYNAMIC, old), addr=address, offset=offset, size=size)
    for place in _dynamic_symbols(source, old):
        draft.edits[place] = source.image.structures.address.pack(address)


def _dynamic_symbols(source: Source, address: int) -> list[int]:
    """File offsets of the value of each symbol named _DYNAMIC."""
    file, sections = source.file, source.sections.sections
    layout = source.image.structures.symbol
    value = layout.only("value")
    found = []
    for section in sections:
        if section.type not in (c.SHT_SYMTAB, c.SHT_DYNSYM) or section.link >= len(sections):
            continue
        names = sections[section.link]
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
