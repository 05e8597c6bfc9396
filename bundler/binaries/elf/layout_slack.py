"""Tier T1: the string table or the interpreter's path goes into the zeros between a segment's end and the next page.

The file keeps its size. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.demand import Demand, Layout, lay, tail
from bundler.binaries.elf.draft import Draft
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.source import Part, Source

_ALIGNMENT = 8
# Read-only segments first, then code, then data.
_PREFERENCE = {c.PF_R: 0, c.PF_R | c.PF_X: 1}


def plan_slack(source: Source, demand: Demand) -> PatchPlan | str:
    """The patch with what must move in page slack; a sentence with the numbers where no slack is large enough."""
    moving = demand.moving(source)
    if Part.DYNAMIC in moving:
        return f"{demand.lack(source, Part.DYNAMIC)}, and moves only with its segment's flags"
    most = 0
    for number, layout in _candidates(source, demand):
        segment = source.image.segments[number]
        end = segment.vaddr + segment.filesz
        room = slack(source, number, layout.end - end)
        most = max(most, room)
        if layout.end - end > room:
            continue
        draft = Draft(source, demand)
        offset = segment.offset + layout.start - segment.vaddr
        draft.place(layout, offset)
        draft.edits[offset] = layout.contents(source, demand)
        draft.set_segment(number, filesz=layout.end - segment.vaddr, memsz=layout.end - segment.vaddr)
        if draft.vacated():
            continue
        size = layout.end - layout.start
        return PatchPlan(
            draft.finish(), Tier.T1, f"{layout.describe()}, {size} bytes, in the page slack of segment {number}"
        )
    return f"no segment is followed by enough zeros that are nobody's; the most that were found are {most} bytes"


def slack(source: Source, number: int, wanted: int) -> int:
    """How many bytes behind the segment, up to `wanted`, are free in the file, zero, and unmapped on any page size."""
    segment = source.image.segments[number]
    if segment.filesz != segment.memsz or segment.filesz == 0 or wanted <= 0:
        return 0
    end = segment.vaddr + segment.memsz
    free = source.free_after(segment.offset + segment.filesz, wanted)
    above = [s.vaddr for s in source.image.segments if s.type == c.PT_LOAD and s.vaddr > segment.vaddr]
    if above:
        boundary = min(above) // source.page_size * source.page_size
        free = min(free, boundary - end)
    return max(0, free)


def _candidates(source: Source, demand: Demand) -> Iterator[tuple[int, Layout]]:
    """Segments with what would end them: first those that end with a part that grows, then by preference."""
    segments = source.image.segments
    moving = demand.moving(source)
    loads = [n for n in source.loads if segments[n].filesz == segments[n].memsz]
    for number in loads:
        start, parts = tail(source, number, moving)
        end = segments[number].vaddr + segments[number].filesz
        if parts:
            yield number, lay(source, demand, parts | moving, start, end)
    for number in sorted(loads, key=lambda n: _PREFERENCE.get(segments[n].flags, 2)):
        end = segments[number].vaddr + segments[number].filesz
        yield number, lay(source, demand, moving, -(-end // _ALIGNMENT) * _ALIGNMENT)
