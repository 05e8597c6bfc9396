"""Tier T2: the last segment grows past its zeros (.bss), and holds what must move.

Nothing else that has an address moves. What has none, behind the segment in the file, is shifted: symbols for
debuggers, the section headers. Conditions: reference/elf.md 1.3.
"""

from __future__ import annotations

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import LayoutDraft
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile
from bundler.binaries.elf.sections import in_segment
from bundler.binaries.elf.space_request import SpaceRequest, lay_out, trailing_parts
from bundler.binaries.elf.structs import Section
from bundler.binaries.patch import Literal, Piece, Zeros
from bundler.errors import CannotPatch, PayloadInTheWay

_ALIGNMENT = 16
_MOST_ZEROS = 64 << 20


def plan_end(parsed: ParsedFile, space: SpaceRequest) -> PatchPlan:
    """The patch that puts what has no room, and what ends the last segment already, at the end of that segment.

    Raises CannotPatch, with the numbers, where that segment cannot grow, PayloadInTheWay where the file may not.
    """
    moving = space.moving(parsed)
    number = _last_segment(parsed, moving)
    last = parsed.image.segments[number]
    start, parts = trailing_parts(parsed, number, moving)
    if not parts:
        start = _align(last.vaddr + last.memsz, _ALIGNMENT)
    layout = lay_out(parsed, space, parts | moving, start, last.vaddr + last.memsz)
    if layout.end >= 1 << parsed.image.elf_class.bits:
        raise CannotPatch(f"the last segment would end at address {layout.end:#x}, out of range")
    draft = LayoutDraft(parsed, space)
    draft.place(layout, last.offset + start - last.vaddr)
    growth = _insert(draft, number, start, layout.contents(parsed, space))
    refuse_payload(parsed, growth)
    for vacated in draft.vacated():
        draft.cover(vacated)
    shifted = parsed.header.shoff >= last.offset + last.filesz
    patch = draft.finish(parsed.header.shoff + growth if shifted else parsed.header.shoff)
    more = patch.size - parsed.image.size
    return PatchPlan(patch, Tier.T2, f"{layout.describe()} put behind segment {number}; the file grows by {more} bytes")


def refuse_payload(parsed: ParsedFile, growth: int) -> None:
    """Raise PayloadInTheWay where bytes that are not the image's follow it, and it grows."""
    if growth and (payload := parsed.payload()):
        raise PayloadInTheWay(
            f"{payload} bytes follow the ELF image from offset {parsed.image.size - payload} on (an archive that the "
            f"program reads from itself?), and would have to move by {growth} bytes",
            "a shorter string may fit without growth",
        )


def _last_segment(parsed: ParsedFile, moving: frozenset[MovablePart]) -> int:
    """The number of the PT_LOAD with the highest address, if it can grow."""
    segments = parsed.image.segments
    loads = parsed.loads
    if loads != sorted(loads):
        raise CannotPatch("the segments to be loaded are not in the order of their addresses")
    last = segments[loads[-1]]
    zeros = last.memsz - last.filesz
    if zeros < 0:
        raise CannotPatch(f"the last segment has {-zeros} bytes more in the file than in memory")
    if zeros > _MOST_ZEROS:
        raise CannotPatch(f"{zeros} zero bytes would have to be stored; the limit is {_MOST_ZEROS}")
    if parsed.header.phoff >= last.offset + last.filesz:
        raise CannotPatch("the program header table lies behind the last segment and would move")
    if MovablePart.DYNAMIC in moving and not last.flags & c.PF_W and is_writable(parsed, parsed.dynamic_address):
        raise CannotPatch(
            f"{MovablePart.DYNAMIC.value} must be writable, and segment {loads[-1]}, the last one, is not"
        )
    return loads[-1]


def _insert(draft: LayoutDraft, number: int, start: int, contents: bytes) -> int:
    """Make segment `number` end with `contents` at address `start`; gives the bytes by which the file grows."""
    parsed = draft.parsed
    last = parsed.image.segments[number]
    at = last.offset + last.filesz
    gap = start - (last.vaddr + last.filesz)
    extent = start + len(contents) - last.vaddr
    if gap < 0:  # the first bytes go over what ends the segment already
        draft.edits[at + gap] = contents[:-gap]
        contents, gap = contents[-gap:], 0
    room = parsed.free_after(at, gap + len(contents)) if gap < _ALIGNMENT else 0
    growth = _align(max(0, gap + len(contents) - room), _shift_alignment(parsed, at))
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
    for other, segment in enumerate(parsed.image.segments):
        moved = draft.segments[other].vaddr != segment.vaddr  # PT_DYNAMIC or PT_INTERP, into the new bytes
        if other != number and not moved and segment.filesz and segment.offset >= at:
            draft.set_segment(other, offset=segment.offset + growth)
    for index, section in enumerate(parsed.sections.sections):
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


def _shift_alignment(parsed: ParsedFile, at: int) -> int:
    """The multiple by which what lies behind offset `at` may be shifted."""
    aligns = [s.align for s in parsed.image.segments if s.type == c.PT_LOAD and s.filesz and s.offset >= at]
    if aligns:  # mapped contents keep their offset within the page
        return max(parsed.page_size, *aligns)
    wanted = (s.addralign for s in parsed.sections.sections if s.offset >= at and _has_place(s))
    return max(_ALIGNMENT, *(align for align in wanted if align <= 4096 and align & (align - 1) == 0), 0)


def is_writable(parsed: ParsedFile, address: int) -> bool:
    """Whether a segment that the loader may write holds the address."""
    return any(
        segment.type == c.PT_LOAD and segment.flags & c.PF_W and 0 <= address - segment.vaddr < segment.memsz
        for segment in parsed.image.segments
    )


def _align(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
