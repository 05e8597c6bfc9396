"""Tier T1: the string table moves into, or grows into, the zeros between a segment's end and the next page.

The file keeps its size. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import Demand, Draft, Source
from bundler.binaries.elf.dynamic import with_table
from bundler.binaries.elf.edits import PatchPlan, Tier

_ALIGNMENT = 8
# Read-only segments first, then code, then data.
_PREFERENCE = {c.PF_R: 0, c.PF_R | c.PF_X: 1}


def plan_slack(source: Source, demand: Demand) -> PatchPlan | None:
    """The patch with the string table in page slack; None where no slack is large enough."""
    table = source.table
    new = demand.strings.apply(table.data)
    for number, address in _candidates(source):
        segment = source.image.segments[number]
        end = segment.vaddr + segment.filesz
        grows_in_place = address == table.address
        size = len(new)
        if address + size - end > slack(source, number, address + size - end):
            continue
        draft = Draft(source, demand.edits)
        draft.edit_table(demand.strings.changes_in_place(len(table.data)) if grows_in_place else demand.strings.changes)
        offset = segment.offset + address - segment.vaddr
        if grows_in_place:
            draft.edits[segment.offset + segment.filesz] = new[len(table.data) :]
        else:
            draft.edits[offset] = new
        extent = address + size - segment.vaddr
        draft.set_segment(number, filesz=extent, memsz=extent)
        section = source.sections.find(c.SHT_STRTAB, table.address)
        draft.set_section(section, addr=address, offset=offset, size=size)
        if draft.vacated():
            continue
        entries = demand.entries_at(source, source.dynamic_address)
        draft.edit_dynamic(with_table(entries, address, size))
        how = "grew in place into" if grows_in_place else "was copied into"
        return PatchPlan(
            draft.finish(), Tier.T1, f"the string table of {size} bytes {how} the page slack of segment {number}"
        )
    return None


def slack(source: Source, number: int, wanted: int) -> int:
    """How many bytes behind the segment, up to `wanted`, are free in the file, zero, and unmapped on any page size."""
    segment = source.image.segments[number]
    if segment.filesz != segment.memsz or segment.filesz == 0:
        return 0
    end = segment.vaddr + segment.memsz
    free = source.free_after(segment.offset + segment.filesz, wanted)
    above = [s.vaddr for s in source.image.segments if s.type == c.PT_LOAD and s.vaddr > segment.vaddr]
    if above:
        boundary = min(above) // source.page_size * source.page_size
        free = min(free, boundary - end)
    return max(0, free)


def _candidates(source: Source) -> Iterator[tuple[int, int]]:
    """Segments with the address at which the table would begin: first where it is, then by preference."""
    table = source.table
    segments = source.image.segments
    loads = source.loads()
    for number in loads:
        if segments[number].offset + segments[number].filesz == table.offset + len(table.data):
            yield number, table.address
    for number in sorted(loads, key=lambda n: _PREFERENCE.get(segments[n].flags, 2)):
        segment = segments[number]
        if segment.filesz == segment.memsz:
            yield number, -(-(segment.vaddr + segment.filesz) // _ALIGNMENT) * _ALIGNMENT
