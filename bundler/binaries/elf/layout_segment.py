"""Tier T3, the last resort: a new segment at the end of the file, with the program headers moved into it.

A stripped file of this kind does not run: BFD and LLVM lay it out anew from its sections, and none covers the headers.
"""

from __future__ import annotations

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import LayoutDraft
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.layout_end import is_writable, refuse_payload
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile
from bundler.binaries.elf.space_request import SpaceRequest, lay_out
from bundler.binaries.elf.structs import Segment
from bundler.binaries.patch import Literal, Zeros
from bundler.errors import CannotPatch

_ALIGNMENT = 16
_FARTHEST = 1 << 32


def plan_segment(parsed: ParsedFile, space: SpaceRequest) -> PatchPlan:
    """The patch that puts what has no room into a new segment, which also holds the program headers.

    In a program the new segment's file offset and address differ by as much as the first one's do: kernels before 5.18
    tell the loader the headers' address as the load address plus e_phoff (Linux commit 0da1d5002745).
    Raises CannotPatch where there is no address left or the file would have to grow by more than 4 GiB of zeros.
    """
    image, structures = parsed.image, parsed.image.structures
    size = image.size
    loads = parsed.loads
    if loads != sorted(loads):
        raise CannotPatch("the segments to be loaded are not in the order of their addresses")
    refuse_payload(parsed, 1)
    if len(image.segments) + 1 >= c.PN_XNUM:
        raise CannotPatch(f"there are {len(image.segments)} program headers, and can be no more")
    first = image.segments[loads[0]]
    ends = (
        image.segments[number].vaddr + max(image.segments[number].memsz, image.segments[number].filesz)
        for number in loads
    )
    top = max(ends)
    pinned = parsed.interpreter_segment is not None or image.type == c.ET_EXEC
    base = first.vaddr - first.offset
    address = _align(max(top, base + size) if pinned else top, parsed.page_size)
    offset = address - base if pinned else _align(size, parsed.machine_page)
    headers_size = (len(image.segments) + 1) * structures.segment.size
    start = address + _align(headers_size, _ALIGNMENT)
    # A writable .dynamic comes along, so that it can grow here later: a writable segment with nothing that is written would
    # be a fault, and one that is not could never take it.
    writable = is_writable(parsed, parsed.dynamic_address)
    parts = space.moving(parsed) | ({MovablePart.DYNAMIC} if writable else frozenset())
    layout = lay_out(parsed, space, parts, start)
    if layout.end >= 1 << image.elf_class.bits:
        raise CannotPatch(f"a new segment would end at address {layout.end:#x}, out of range")
    if offset - size > _FARTHEST:
        raise CannotPatch(f"the file would have to grow by {offset - size} zero bytes; the limit is {_FARTHEST}")
    draft = LayoutDraft(parsed, space)
    draft.place(layout, offset + start - address)
    length = layout.end - address
    flags = c.PF_R | c.PF_W if writable else c.PF_R
    draft.segments.append(Segment(c.PT_LOAD, flags, offset, address, address, length, length, parsed.machine_page))
    for number, segment in enumerate(image.segments):
        if segment.type == c.PT_PHDR:
            place = {"offset": offset, "vaddr": address, "paddr": address}
            draft.segments[number] = segment._replace(**place, filesz=headers_size, memsz=headers_size)
    draft.set_header("phoff", offset)
    draft.set_header("phnum", len(draft.segments))
    headers = b"".join(map(structures.segment.pack, draft.segments)).ljust(start - address, b"\0")
    draft.insertions[size] = (Zeros(offset - size), Literal(headers + layout.contents(parsed, space)))
    patch = draft.finish()
    how = "at the offset that old kernels need" if pinned else "at the end of the file"
    return PatchPlan(
        patch,
        Tier.T3,
        f"{layout.describe()} and the program headers put into a new segment {how}; the file grows by "
        f"{patch.size - size} bytes and must not be stripped",
    )


def _align(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
