"""A program gets an entry stub, or loses it: code in the page slack behind its own, else in a new segment.

The stub needs no symbol, no relocation and no dynamic tag. So it is put into the file as the other edits leave it, and taken out
before they are planned: they never meet it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.entry_stub import EntryStub
from bundler.binaries.elf.image import IDENT_SIZE, Image, read_header
from bundler.binaries.elf.layout_end import refuse_payload
from bundler.binaries.elf.layout_slack import slack
from bundler.binaries.elf.parsed_file import ParsedFile
from bundler.binaries.elf.sections import SectionTable, read_sections
from bundler.binaries.elf.structs import FileHeader, Segment, Structures
from bundler.binaries.elf.stubs import ALIGNMENT, WantedStub, parameters_codec
from bundler.binaries.patch import Literal, Patch, Piece, Range, Zeros, join, splice
from bundler.binaries.reading import read_at
from bundler.errors import CannotPatch

_CODE = c.PF_R | c.PF_X
_MOST_ZEROS = 1 << 30
"""Bytes that a program may grow by for nothing but to reach an address: those of its bss."""


def plan_stub(parsed: ParsedFile, wanted: WantedStub) -> PatchPlan:
    """The patch that puts what is `wanted` into a program without a stub.

    Raises CannotPatch where no room can be made, PayloadInTheWay where the file may not grow. For a name alone no segment is made.
    """
    size = wanted.size
    most = 0
    for number in parsed.loads:
        segment = parsed.image.segments[number]
        if segment.flags != _CODE or segment.filesz != segment.memsz:
            continue
        end = segment.vaddr + segment.filesz
        needed = _align(end, ALIGNMENT) + size - end
        room = slack(parsed, number, needed)
        most = max(most, room)
        if room == needed:
            return _in_slack(parsed, wanted, number)
    reason = f"{Tier.T1.name}: the entry stub needs {size} bytes, and behind code there are {most} in page slack"
    if wanted.loader is None:
        raise CannotPatch(reason)
    return _in_segment(parsed, wanted, reason)


def _in_slack(parsed: ParsedFile, wanted: WantedStub, number: int) -> PatchPlan:
    segment = parsed.image.segments[number]
    end = segment.vaddr + segment.filesz
    address = _align(end, ALIGNMENT)
    code = wanted.filled(address, parsed.header.entry, segment.filesz, 0)
    grown = address + len(code) - segment.vaddr
    table = _Table(parsed, wanted)
    table.segments[number] = segment._replace(filesz=grown, memsz=grown)
    edits = {segment.offset + address - segment.vaddr: code, **table.headers(entry=_entry_at(parsed, address))}
    edits |= _resized(parsed.sections, parsed.image.structures, end, end, address + len(code))
    patch = splice(parsed.image.size, edits, {})
    return PatchPlan(patch, Tier.T1, f"an entry stub, {len(code)} bytes, in the page slack of segment {number}")


def _in_segment(parsed: ParsedFile, wanted: WantedStub, reason: str) -> PatchPlan:
    """The stub in a segment of its own, with the program headers in front of it.

    As in T3 (`layout_segment`), file offset and address differ by as much as those of the first segment do.
    """
    image, structures = parsed.image, parsed.image.structures
    if parsed.loads != sorted(parsed.loads):
        raise CannotPatch("the segments to be loaded are not in the order of their addresses")
    refuse_payload(parsed, 1)
    if len(image.segments) + 1 >= c.PN_XNUM:
        raise CannotPatch(f"there are {len(image.segments)} program headers, and can be no more")
    first = image.segments[parsed.loads[0]]
    base = first.vaddr - first.offset
    top = max(image.segments[number].vaddr + image.segments[number].memsz for number in parsed.loads)
    start = _align(max(top, base + image.size), parsed.page_size)
    offset = start - base
    if offset - image.size > _MOST_ZEROS:
        raise CannotPatch(f"{offset - image.size} zero bytes would have to be stored; the limit is {_MOST_ZEROS}")
    headers_size = (len(image.segments) + 1) * structures.segment.size
    address = start + _align(headers_size, ALIGNMENT)
    code = wanted.filled(address, parsed.header.entry, image.size, parsed.header.phoff)
    length = address + len(code) - start
    if start + length >= 1 << image.elf_class.bits:
        raise CannotPatch(f"a new segment would end at address {start + length:#x}, out of range")
    table = _Table(parsed, wanted)
    for number, segment in enumerate(table.segments):
        if segment.type == c.PT_PHDR:
            table.segments[number] = segment._replace(
                offset=offset, vaddr=start, paddr=start, filesz=headers_size, memsz=headers_size
            )
    table.segments.append(Segment(c.PT_LOAD, _CODE, offset, start, start, length, length, parsed.machine_page))
    packed = b"".join(map(structures.segment.pack, table.segments)).ljust(address - start, b"\0")
    edits = table.fields(entry=_entry_at(parsed, address), phoff=offset, phnum=len(table.segments))
    pieces: tuple[Piece, ...] = (Zeros(offset - image.size), Literal(packed + code))
    patch = splice(image.size, edits, {image.size: pieces})
    return PatchPlan(
        patch,
        Tier.T3,
        f"an entry stub and the program headers put into a new segment; the file grows by {patch.size - image.size} bytes "
        "and must not be stripped",
        (reason,),
    )


class _Table:
    """The program headers of a file while they are changed: PT_INTERP is set aside for a loader that the stub maps."""

    def __init__(self, parsed: ParsedFile, wanted: WantedStub) -> None:
        self._parsed = parsed
        self._old = parsed.image.segments
        aside = None if wanted.loader is None else parsed.interpreter_segment
        self.segments = [
            segment._replace(type=c.PT_SET_ASIDE) if number == aside else segment
            for number, segment in enumerate(self._old)
        ]

    def headers(self, **fields: int) -> dict[int, bytes]:
        """Bytes by offset: the headers that differ, and `fields` of the file header."""
        layout, start = self._parsed.image.structures.segment, self._parsed.header.phoff
        pairs = enumerate(zip(self._old, self.segments, strict=True))
        edits = {start + number * layout.size: layout.pack(new) for number, (old, new) in pairs if old != new}
        return edits | self.fields(**fields)

    def fields(self, **fields: int) -> dict[int, bytes]:
        """Bytes by offset: `fields` of the file header."""
        return _fields(self._parsed.image.structures, **fields)


def _fields(structures: Structures, **fields: int) -> dict[int, bytes]:
    layout = structures.header
    return {IDENT_SIZE + layout.position(name): layout.pack_field(name, value) for name, value in fields.items()}


def _entry_at(parsed: ParsedFile, address: int) -> int:
    """The entry point of a stub at `address`: behind its parameters."""
    return address + parameters_codec(parsed.image.byteorder).size


def _resized(table: SectionTable, structures: Structures, end: int, old: int, new: int) -> dict[int, bytes]:
    """Bytes by offset: the section header of the code that ends at address `end`, from `old` on, now ends at `new`.

    A section has all that a segment holds, else strip would clear it.
    """
    for number, section in enumerate(table.sections):
        held = section.flags & c.SHF_ALLOC and section.type != c.SHT_NOBITS
        if held and section.size and section.addr + section.size == end and section.addr < old:
            changed = section._replace(size=new - section.addr)
            return {table.offset + number * structures.section.size: structures.section.pack(changed)}
    return {}


def without_stub(file: BinaryIO, image: Image) -> Patch:
    """The patch that takes the stub of `file` out again, of which `image` was read: it gives back what `plan_stub` was given.

    Raises CannotPatch where other programs changed the file since, so that its parts are not where the stub knows them.
    """
    stub = image.stub
    if stub is None:
        return Patch((Range(0, image.size),))
    structures, header = read_header(file)
    old = [s._replace(type=c.PT_INTERP) if s.type == c.PT_SET_ASIDE else s for s in image.segments]
    if stub.parameters.headers:
        return _without_segment(file, image, stub, header, old)
    segment = image.segments[stub.segment]
    end = segment.vaddr + segment.filesz
    size = stub.parameters.size
    gap = stub.address - segment.vaddr - size
    if stub.address + stub.size != end or segment.memsz != segment.filesz or not 0 <= gap < ALIGNMENT:
        raise _changed(f"segment {stub.segment} does not end with it")
    old[stub.segment] = segment._replace(filesz=size, memsz=size)
    sections = read_sections(file, image, header)
    start = segment.vaddr + size
    edits = {
        stub.offset: bytes(stub.size),
        **_resized(sections, structures, end, start, start),
        **_fields(structures, entry=stub.entry),
    }
    for number, (one, other) in enumerate(zip(image.segments, old, strict=True)):
        if one != other:
            edits[header.phoff + number * structures.segment.size] = structures.segment.pack(other)
    return splice(image.size, edits, {})


def _without_segment(file: BinaryIO, image: Image, stub: EntryStub, header: FileHeader, old: list[Segment]) -> Patch:
    structures, size, phoff = image.structures, stub.parameters.size, stub.parameters.headers
    last = old.pop()
    table = len(old) * structures.segment.size
    at = next((s for s in old if s.type == c.PT_LOAD and s.offset <= phoff <= s.offset + s.filesz - table), None)
    whole = last.offset + last.filesz == image.size and last.offset == header.phoff >= size >= phoff + table
    if not whole or stub.segment != len(old) or at is None:
        raise _changed("the program headers and it are not the file's last segment")
    address = at.vaddr + phoff - at.offset
    for number, segment in enumerate(old):
        if segment.type == c.PT_PHDR:
            old[number] = segment._replace(offset=phoff, vaddr=address, paddr=address, filesz=table, memsz=table)
    former = structures.segment.read_all(read_at(file, phoff, table, "the former program headers"))
    if [segment.type for segment in former] != [segment.type for segment in old]:
        raise _changed("something lies where the program headers were")
    ends = [segment.offset + segment.filesz for segment in old]
    if max(*ends, header.shoff + header.shnum * structures.section.size) > size:
        raise _changed("more lies behind what was the file's end")
    packed = b"".join(map(structures.segment.pack, old))
    edits = {phoff: packed, **_fields(structures, entry=stub.entry, phoff=phoff, phnum=len(old))}
    return join(_first_bytes(splice(image.size, edits, {}).pieces, size))


def _first_bytes(pieces: tuple[Piece, ...], size: int) -> Iterator[Piece]:
    """The pieces of the first `size` bytes, of which the last one is a range."""
    for piece in pieces:
        if isinstance(piece, Range) and piece.length >= size:
            yield Range(piece.offset, size)
            return
        yield piece
        size -= piece.length


def _changed(what: str) -> CannotPatch:
    return CannotPatch(
        f"the entry stub cannot be taken out: {what}, so that another program has changed the file since it was put in",
        "start from the file as it was before",
    )


def _align(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
