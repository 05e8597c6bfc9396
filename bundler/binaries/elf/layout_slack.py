"""Tier T1: the string table or the interpreter's path goes into the zeros between a segment's end and the next page.

The file keeps its size. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import LayoutDraft
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile
from bundler.binaries.elf.space_request import PartLayout, SpaceRequest, lay_out, trailing_parts

_ALIGNMENT = 8
# Read-only segments first, then code, then data.
_PREFERENCE = {c.PF_R: 0, c.PF_R | c.PF_X: 1}


def plan_slack(parsed: ParsedFile, space: SpaceRequest) -> PatchPlan | str:
    """The patch that puts what must move into page slack; a sentence with the numbers where no slack is large enough."""
    moving = space.moving(parsed)
    if MovablePart.DYNAMIC in moving:
        return f"{space.shortfall(parsed, MovablePart.DYNAMIC)}, and moves only with its segment's flags"
    most = 0
    for number, layout in _candidates(parsed, space):
        segment = parsed.image.segments[number]
        end = segment.vaddr + segment.filesz
        room = slack(parsed, number, layout.end - end)
        most = max(most, room)
        if layout.end - end > room:
            continue
        draft = LayoutDraft(parsed, space)
        offset = segment.offset + layout.start - segment.vaddr
        draft.place(layout, offset)
        draft.edits[offset] = layout.contents(parsed, space)
        draft.set_segment(number, filesz=layout.end - segment.vaddr, memsz=layout.end - segment.vaddr)
        if draft.vacated():
            continue
        size = layout.end - layout.start
        return PatchPlan(
            draft.finish(), Tier.T1, f"{layout.describe()}, {size} bytes, in the page slack of segment {number}"
        )
    return f"no segment is followed by enough zeros that are nobody's; the most that were found are {most} bytes"


def slack(parsed: ParsedFile, number: int, wanted: int) -> int:
    """How many bytes behind the segment, up to `wanted`, are zero, in nobody's use, and unmapped on any page size."""
    segment = parsed.image.segments[number]
    if segment.filesz != segment.memsz or segment.filesz == 0 or wanted <= 0:
        return 0
    end = segment.vaddr + segment.memsz
    free = parsed.free_after(segment.offset + segment.filesz, wanted)
    above = [s.vaddr for s in parsed.image.segments if s.type == c.PT_LOAD and s.vaddr > segment.vaddr]
    if above:
        boundary = min(above) // parsed.page_size * parsed.page_size
        free = min(free, boundary - end)
    return max(0, free)


def _candidates(parsed: ParsedFile, space: SpaceRequest) -> Iterator[tuple[int, PartLayout]]:
    """Segments with what would end them: first those that end with a part that grows, then by preference."""
    segments = parsed.image.segments
    moving = space.moving(parsed)
    loads = [n for n in parsed.loads if segments[n].filesz == segments[n].memsz]
    for number in loads:
        start, parts = trailing_parts(parsed, number, moving)
        end = segments[number].vaddr + segments[number].filesz
        if parts:
            yield number, lay_out(parsed, space, parts | moving, start, end)
    for number in sorted(loads, key=lambda n: _PREFERENCE.get(segments[n].flags, 2)):
        end = segments[number].vaddr + segments[number].filesz
        yield number, lay_out(parsed, space, moving, -(-end // _ALIGNMENT) * _ALIGNMENT)
