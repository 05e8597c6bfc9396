"""The entry stub of a program with a loader of its own, as the second reader reads it; and the file as it is without the stub.

A name stub, which lets a Python find its own place, stands behind it or in its place: both are read as one. What a pack changes
besides is proved of the file without it, by the rules for all other files. That the stub is ours, byte for byte, and does what
was asked for is proved here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from bundler.audit.readers.asked import Asked
from bundler.audit.readers.bytewise import not_zero, read_range
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.facts import ElfFacts, SegmentFacts
from bundler.binaries.elf import UNCHANGED
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ElfClass
from bundler.binaries.elf.stubs import stub_for
from bundler.binaries.patch import Patch, Range, compose, overwrite
from bundler.errors import BinaryFormatError
from bundler.machine import os

_SIDES = Sides("it should be", "the file has")
_PARAMETERS = "8sIHHqQQ"
_SIZE = 40
_MAGIC, _NAME_MAGIC = b"bndlstub", b"bndlname"
_ALIGNMENT = 16

# Where fields lie in headers of 32 and of 64 bits.
_ENTRY, _PHOFF, _PHNUM = {32: 24, 64: 24}, {32: 28, 64: 32}, {32: 44, 64: 56}
_PLACES = {32: (4, 8, 12, 16, 20), 64: (8, 16, 24, 32, 40)}
_SECTION_SIZE = {32: 20, 64: 32}


class CodeFacts(NamedTuple):
    """One stub of a program's one or two: where it lies, and what its parameters say."""

    magic: bytes
    start: int
    code: int
    """Where the code ends and the loader's path begins, from `start`."""
    path: int
    """Bytes of the loader's path."""
    floor: int
    """The oldest glibc of a host whose loader is taken: 36 for 2.36; 0 for none."""
    next: int
    """Where it goes on to, from `start`."""
    size: int
    headers: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.start + self.code + self.path


class StubFacts(NamedTuple):
    """The entry stub, the name stub, or both."""

    segment: SegmentFacts
    codes: tuple[CodeFacts, ...]
    loader: str
    """The loader that it starts; "" where the kernel does."""
    entry: int

    @property
    def start(self) -> int:
        """The offset of the first one."""
        return self.codes[0].start

    @property
    def end(self) -> int:
        """The offset behind the last one."""
        return self.codes[-1].end

    @property
    def size(self) -> int:
        """Without a stub: bytes of the segment, or of the file."""
        return self.codes[0].size

    @property
    def headers(self) -> int:
        """Where the program headers are without it; 0 where they did not move."""
        return self.codes[0].headers

    @property
    def floor(self) -> int:
        """The oldest glibc of a host whose loader is taken; 0 for none."""
        return self.codes[0].floor

    @property
    def finds_itself(self) -> bool:
        """Whether there is a name stub."""
        return self.codes[-1].magic == _NAME_MAGIC


def stub_of(file: BinaryIO, facts: ElfFacts) -> StubFacts | None:
    """The stub of the file of which `facts` were read; None where it has none. BinaryFormatError where it is damaged."""
    address = facts.header.entry - _SIZE
    types = {segment.type for segment in facts.segments}
    if not types & {c.PT_SET_ASIDE, c.PT_INTERP}:
        return None
    start = facts.offset_of(address)
    if start is None:
        return None
    segment = next((load for load in facts.loads if load.range[0] <= start < load.range[1]), None)
    if segment is None or start + _SIZE > segment.range[1]:
        return None
    first = _code_at(file, facts, start)
    if first.magic != (_MAGIC if c.PT_SET_ASIDE in types else _NAME_MAGIC):
        return None
    if first.end > segment.range[1]:
        raise BinaryFormatError(f"the entry stub ends at offset {first.end}, its segment at {segment.range[1]}")
    codes: tuple[CodeFacts, ...] = (first,)
    behind = start + -(-(first.end - start) // _ALIGNMENT) * _ALIGNMENT
    if first.magic == _MAGIC and start + first.next == behind + _SIZE and behind + _SIZE <= segment.range[1]:
        second = _code_at(file, facts, behind)
        codes = (first, second) if second.magic == _NAME_MAGIC else codes
        if codes[-1].end > segment.range[1]:
            raise BinaryFormatError(f"the name stub ends at offset {second.end}, its segment at {segment.range[1]}")
    loader = os.fsdecode(read_range(file, start + first.code, first.end).split(b"\0", 1)[0])
    return StubFacts(segment, codes, loader, address + codes[-1].start - start + codes[-1].next)


def _code_at(file: BinaryIO, facts: ElfFacts, start: int) -> CodeFacts:
    order = "<" if facts.byteorder == "little" else ">"
    magic, code, length, floor, entry, size, headers = struct.unpack(
        order + _PARAMETERS, read_range(file, start, start + _SIZE)
    )
    return CodeFacts(magic, start, code, length, floor, entry, size, headers)


def own_loader(file: BinaryIO, facts: ElfFacts) -> tuple[str | None, tuple[int, int] | None]:
    """The loader that the file's stub starts, and the oldest glibc of hosts whose loader it takes instead."""
    stub = stub_of(file, facts)
    if stub is None:
        return None, None
    return stub.loader or None, (2, stub.floor) if stub.floor else None


def finds_itself(file: BinaryIO, facts: ElfFacts) -> bool:
    """Whether the file has a name stub."""
    stub = stub_of(file, facts)
    return stub is not None and stub.finds_itself


def stub_differences(
    source: StubFacts | None, file: BinaryIO, changed: ElfFacts, stub: StubFacts | None, asked: Asked
) -> Iterator[Difference]:
    """What is otherwise than it was asked for in the stub of a changed file."""
    found = "" if stub is None else stub.loader
    if asked.own_loader is not True:
        wanted = asked.own_loader if asked.own_loader is not False else "" if source is None else source.loader
        yield from _SIDES.differ("the loader of its own", wanted or "none", found or "none")
    if asked.finds_itself is not None:
        before = source is not None and source.finds_itself
        named = before if asked.finds_itself is UNCHANGED else asked.finds_itself
        yield from _SIDES.differ("a name stub", named, stub is not None and stub.finds_itself)
    if stub is None:
        return
    if stub.loader and asked.host_floor is not True:
        kept = 0 if source is None else source.floor
        yield from _SIDES.differ("the oldest host", kept if asked.host_floor is False else asked.host_floor, stub.floor)
    yield from _code_differences(file, changed, stub)
    flags = (stub.segment.flags, stub.segment.memsz - stub.segment.filesz)
    yield from _SIDES.differ("flags of the entry stub's segment, and its zeros", (c.PF_R | c.PF_X, 0), flags)
    aside = sum(segment.type == c.PT_SET_ASIDE for segment in changed.segments)
    loaders = sum(segment.type == c.PT_INTERP for segment in changed.segments)
    if stub.loader:
        yield from _SIDES.differ("headers set aside, and PT_INTERP", (1, 0), (aside, loaders))
    if stub.headers:
        start, header = stub.headers, changed.header
        there = read_range(file, start, start + (header.phnum - 1) * header.phentsize)
        if there != _bare_headers(file, changed, stub):
            yield Difference(
                "the former program headers", "they should be those in use, without the stub", "the file has others"
            )
        yield from _segment_differences(file, changed, stub)


def _code_differences(file: BinaryIO, changed: ElfFacts, stub: StubFacts) -> Iterator[Difference]:
    """Where the code is not bundler's own, byte for byte."""
    kind = changed.header.machine, ElfClass(changed.bits // 32), changed.byteorder
    known = stub_for(*kind, chooses=bool(stub.floor))
    for each in stub.codes:
        own = b"" if known is None else known.code if each.magic == _MAGIC else known.naming
        code = read_range(file, each.start + _SIZE, each.start + each.code)
        if known is None or own[_SIZE:] != code:
            yield Difference("the entry stub", "it should be bundler's code", f"the file has {len(code)} other bytes")
        if each.magic == _NAME_MAGIC:
            yield from _SIDES.differ("what the name stub knows of loaders", (0, 0), (each.path, each.floor))
        if each is not stub.codes[0]:
            yield from _SIDES.differ("what the name stub knows of the file", (0, 0), (each.size, each.headers))
    for one, other in zip(stub.codes, stub.codes[1:], strict=False):
        if any(not_zero(file, (one.end, other.start))):
            yield Difference(f"bytes from offset {one.end:#x} on", "they should be zero", "the file has some")


def _segment_differences(file: BinaryIO, changed: ElfFacts, stub: StubFacts) -> Iterator[Difference]:
    """What is wrong with a segment of the stub's own: the program headers in front of it, and zeros around them."""
    header, segment = changed.header, stub.segment
    page = c.PAGE_SIZES.get(header.machine, 0x1000)
    size = stub.end - segment.offset
    flags = c.PF_R | c.PF_X
    wanted = SegmentFacts(c.PT_LOAD, flags, header.phoff, segment.vaddr, segment.vaddr, size, size, page)
    yield from _SIDES.differ("the entry stub's segment", wanted, segment)
    above = all(load.vaddr + load.memsz <= segment.vaddr for load in changed.loads if load != segment)
    yield from _SIDES.differ(
        "the entry stub's segment is above all others, and can be mapped",
        (True, 0),
        (
            above,
            (segment.vaddr - segment.offset) % page,
        ),
    )
    headers = header.phnum * header.phentsize
    for each in changed.segments:
        if each.type == c.PT_PHDR:
            place = each._replace(
                offset=header.phoff, vaddr=segment.vaddr, paddr=segment.vaddr, filesz=headers, memsz=headers
            )
            yield from _SIDES.differ("PT_PHDR", place, each)
    for low, high in ((stub.size, segment.offset), (header.phoff + headers, stub.start)):
        if any(not_zero(file, (low, high))):
            yield Difference(f"bytes from offset {low:#x} on", "they should be zero", "the file has some")


def without_stub(file: BinaryIO, facts: ElfFacts, stub: StubFacts) -> BinaryIO:
    """The file as it is without the stub, opened for reading; it shares the position of `file`.

    BinaryFormatError where the stub does not end its segment, or the segment not the file.
    """
    bits, header = facts.bits, facts.header
    word = _word(facts)
    edits = {_ENTRY[bits]: word.pack(stub.entry)}
    bare = _bare_headers(file, facts, stub)
    if stub.end != stub.segment.range[1]:
        raise BinaryFormatError(f"the entry stub ends at offset {stub.end}, its segment at {stub.segment.range[1]}")
    if stub.headers:
        if stub.end != facts.size or stub.segment.offset != header.phoff or stub.segment != facts.segments[-1]:
            raise BinaryFormatError(
                "the entry stub's segment is not the file's last one, with the program headers in it"
            )
        edits[_PHOFF[bits]] = word.pack(stub.headers)
        edits[_PHNUM[bits]] = _pack(facts, "H", header.phnum - 1)
        edits[stub.headers] = bare
        return compose(overwrite(facts.size, edits), Patch((Range(0, stub.size),))).open(file)
    edits[header.phoff] = bare
    edits[stub.start] = bytes(stub.end - stub.start)
    end = stub.segment.vaddr + stub.segment.memsz
    for number, section in enumerate(facts.sections):
        covers = section.flags & c.SHF_ALLOC and section.type != c.SHT_NOBITS and section.addr + section.size == end
        if covers and section.addr < stub.segment.vaddr + stub.size:
            place = header.shoff + number * header.shentsize + _SECTION_SIZE[bits]
            edits[place] = word.pack(stub.segment.vaddr + stub.size - section.addr)
            break
    return overwrite(facts.size, edits).open(file)


def _bare_headers(file: BinaryIO, facts: ElfFacts, stub: StubFacts) -> bytes:
    """The program headers as they are without the stub."""
    header, places, word = facts.header, _PLACES[facts.bits], _word(facts)
    count = header.phnum - (1 if stub.headers else 0)
    data = bytearray(read_range(file, header.phoff, header.phoff + count * header.phentsize))
    for number, segment in enumerate(facts.segments[:count]):
        start = number * header.phentsize
        fields: dict[int, int] = {}
        if segment.type == c.PT_SET_ASIDE:
            data[start : start + 4] = _pack(facts, "I", c.PT_INTERP)
        elif segment.type == c.PT_PHDR and stub.headers:
            holder = next((load for load in facts.loads if load.offset <= stub.headers < load.range[1]), None)
            if holder is None:
                raise BinaryFormatError(f"no PT_LOAD holds the former program headers at offset {stub.headers}")
            address, size = holder.vaddr + stub.headers - holder.offset, count * header.phentsize
            fields = dict(zip(places, (stub.headers, address, address, size, size), strict=True))
        elif segment == stub.segment:
            fields = dict.fromkeys(places[3:], stub.size)
        for place, value in fields.items():
            data[start + place : start + place + word.size] = word.pack(value)
    return bytes(data)


def _word(facts: ElfFacts) -> struct.Struct:
    return struct.Struct(("<" if facts.byteorder == "little" else ">") + ("Q" if facts.bits == 64 else "I"))


def _pack(facts: ElfFacts, code: str, value: int) -> bytes:
    return struct.pack(("<" if facts.byteorder == "little" else ">") + code, value)
