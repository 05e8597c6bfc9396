"""An ELF file as the loader sees it: program headers, `.dynamic`, and the strings that these name.

Section headers are not read here: the loader does not know them. Only headers and tables are read, never
the whole file, so that the cost does not depend on the file's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.entry_stub import EntryStub, read_stub
from bundler.binaries.elf.notes import Note, read_notes
from bundler.binaries.elf.structs import (
    ByteOrder,
    DynamicEntry,
    ElfClass,
    FileHeader,
    Segment,
    Structures,
    structures,
)
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.floor import Release
from bundler.machine import os

MAGIC = b"\x7fELF"
IDENT_SIZE = 16
_LONGEST_STRING = 1 << 20
_LONGEST_INTERPRETER = 4096  # the kernel's own limit, PATH_MAX
_LONGEST_DYNAMIC = 1 << 20
_CHUNK = 512
_ALSO_OPENED = {
    c.DT_AUDIT: "DT_AUDIT",
    c.DT_DEPAUDIT: "DT_DEPAUDIT",
    c.DT_AUXILIARY: "DT_AUXILIARY",
    c.DT_FILTER: "DT_FILTER",
}
_MOST_JOINS = 16
_LARGEST_PAGE = 16 << 20  # a p_align above this is a linker script's fancy, no page size


def is_elf(head: bytes) -> bool:
    """Whether a file that begins with `head` (4 bytes or more) is an ELF file."""
    return head[:4] == MAGIC


@dataclass(frozen=True, slots=True)
class Image:
    """What the loader reads of an ELF file. Strings are decoded with os.fsdecode."""

    size: int
    """Size of the file in bytes."""
    elf_class: ElfClass
    byteorder: ByteOrder
    machine: int
    """e_machine."""
    type: int
    """e_type: ET_EXEC, ET_DYN, …"""
    segments: tuple[Segment, ...]
    dynamic: tuple[DynamicEntry, ...] | None
    """The entries before the first DT_NULL; None where there is no dynamic section in the file."""
    interpreter: str | None
    """The loader that was linked in (PT_INTERP); the kernel does not see it where there is a `stub`."""
    needed: tuple[str, ...]
    soname: str | None
    rpath: str | None
    """DT_RPATH."""
    runpath: str | None
    """DT_RUNPATH; where it is there, the loader ignores DT_RPATH."""
    numbers: Mapping[int, int]
    """The number of each dynamic tag: of the last entry with it, which glibc keeps (`elf_get_dynamic_info`)."""
    notes: tuple[Note, ...] = ()
    """The notes of all PT_NOTE segments, in order."""
    own_rpath: str | None = None
    """The search path in place of `rpath` where the entry stub chose the program's own loader (DT_OWN_RPATH)."""
    stub: EntryStub | None = None
    """The code at the entry point that maps the loader; None where the kernel does."""

    also_opened: tuple[tuple[str, str], ...] = ()
    """Libraries that the loader opens beside those that are needed: the name of the tag, and the library's, as it is written."""

    @property
    def own_loader(self) -> str | None:
        """The loader that the file's entry stub maps: a path relative to its folder; None without a stub."""
        return None if self.stub is None else self.stub.loader

    @property
    def host_floor(self) -> Release | None:
        """The oldest glibc of a host whose loader the file's entry stub maps in place of its own; None where it does not choose."""
        return (2, self.stub.parameters.floor) if self.stub is not None and self.stub.parameters.floor else None

    @property
    def flags_1(self) -> int:
        """DT_FLAGS_1; 0 where there is none."""
        return self.numbers.get(c.DT_FLAGS_1, 0)

    @property
    def machine_name(self) -> str:
        """The machine's name as in `x86-64`, or `machine 4711` for an unknown one."""
        return c.MACHINE_NAMES.get(self.machine, f"machine {self.machine}")

    @property
    def structures(self) -> Structures:
        """The layouts of this file's class and byte order."""
        return structures(self.elf_class, self.byteorder)

    @property
    def page_size(self) -> int:
        """The largest page with which the file may be mapped: a property of machine and file, not of this host."""
        aligns = (s.align for s in self.segments if s.type == c.PT_LOAD and s.align <= _LARGEST_PAGE)
        return max(c.PAGE_SIZES.get(self.machine, 0x1000), max(aligns, default=0))

    def entry(self, tag: int) -> int | None:
        """The number of the dynamic tag `tag`; None where there is none."""
        return self.numbers.get(tag)

    def offset_of(self, address: int, length: int = 1) -> int | None:
        """File offset of the `length` bytes at `address`; None where no PT_LOAD has them in the file."""
        return offset_of(self.segments, address, length)


def offset_of(segments: Sequence[Segment], address: int, length: int = 1) -> int | None:
    """File offset of the `length` bytes at `address`; None where no PT_LOAD has them in the file.

    They may lie across PT_LOADs that join in memory and in the file alike: so patchelf 0.14 leaves string tables.
    """
    for segment in segments:  # nearly always one PT_LOAD has them all
        skip = address - segment.vaddr
        if segment.type == c.PT_LOAD and 0 <= skip < segment.filesz:
            if skip + length <= segment.filesz:
                return segment.offset + skip
            break
    start = expected = None
    for _ in range(_MOST_JOINS):
        holder = next((s for s in segments if s.type == c.PT_LOAD and 0 <= address - s.vaddr < s.filesz), None)
        if holder is None:
            return None
        offset = holder.offset + address - holder.vaddr
        if expected not in (None, offset):
            return None
        start = offset if start is None else start
        room = holder.vaddr + holder.filesz - address
        if length <= room:
            return start
        address, length, expected = address + room, length - room, offset + room
    return None


def is_mapped(segments: Sequence[Segment], address: int, length: int) -> bool:
    """Whether one PT_LOAD maps the `length` bytes at `address`, from the file or as zeros."""
    return any(
        segment.type == c.PT_LOAD and 0 <= address - segment.vaddr <= segment.memsz - length for segment in segments
    )


def read_header(file: BinaryIO) -> tuple[Structures, FileHeader]:
    """The layouts that e_ident asks for, and the file header.

    Raises BinaryFormatError where it is no ELF file, truncated, or of an unknown class or byte order.
    """
    file.seek(0)
    if not is_elf(file.read(len(MAGIC))):
        raise BinaryFormatError("not an ELF file")
    ident = read_at(file, 0, IDENT_SIZE, "the ELF identification")
    if ident[4] not in (1, 2) or ident[5] not in (1, 2) or ident[6] != 1:
        raise BinaryFormatError(f"unknown ELF class {ident[4]}, byte order {ident[5]} or version {ident[6]}")
    layouts = structures(ElfClass(ident[4]), "little" if ident[5] == 1 else "big")
    return layouts, layouts.header.read(read_at(file, IDENT_SIZE, layouts.header.size, "the ELF header"))


def read_image(file: BinaryIO) -> Image:
    """The loader's view of the seekable binary `file`.

    Raises BinaryFormatError where the file is truncated or contradicts itself.
    """
    size = file.seek(0, os.SEEK_END)
    layouts, header = read_header(file)
    segments = _read_segments(file, layouts, header)
    for segment in segments:
        if segment.type == c.PT_LOAD and segment.offset + segment.filesz > size:
            raise BinaryFormatError(
                f"a segment ends at offset {segment.offset + segment.filesz}, the file at {size}: truncated"
            )
    dynamic = _read_dynamic(file, layouts, segments)
    numbers = {tag: value for tag, value in dynamic or ()}  # noqa: C416  # dict() is slower for named tuples
    strings = _Strings(file, segments, numbers)
    stub = read_stub(file, layouts.byteorder, header, segments)

    def text(tag: int) -> str | None:
        index = numbers.get(tag)
        return None if index is None else strings[index]

    return Image(
        size=size,
        elf_class=layouts.elf_class,
        byteorder=layouts.byteorder,
        machine=header.machine,
        type=header.type,
        segments=segments,
        dynamic=dynamic,
        interpreter=_read_interpreter(file, segments, c.PT_INTERP if stub is None else c.PT_SET_ASIDE),
        needed=tuple(strings[entry.value] for entry in dynamic or () if entry.tag == c.DT_NEEDED),
        soname=text(c.DT_SONAME),
        rpath=text(c.DT_RPATH),
        runpath=text(c.DT_RUNPATH),
        numbers=numbers,
        notes=read_notes(file, layouts, segments),
        own_rpath=text(c.DT_OWN_RPATH),
        stub=stub,
        also_opened=tuple(
            (name, strings[entry.value]) for entry in dynamic or () if (name := _ALSO_OPENED.get(entry.tag)) is not None
        ),
    )


def string_table(segments: Sequence[Segment], numbers: Mapping[int, int]) -> tuple[int, int]:
    """File offset and size in bytes of the table that DT_STRTAB and DT_STRSZ name.

    Raises BinaryFormatError where a tag is missing or the table does not lie in one PT_LOAD.
    """
    address, size = numbers.get(c.DT_STRTAB), numbers.get(c.DT_STRSZ)
    if address is None or size is None:
        raise BinaryFormatError("a dynamic section without DT_STRTAB and DT_STRSZ")
    offset = offset_of(segments, address, size)
    if offset is None:
        raise BinaryFormatError(f"no PT_LOAD holds the string table of {size} bytes at address {address:#x}")
    return offset, size


def read_string(file: BinaryIO, offset: int, limit: int) -> bytes:
    """The bytes from `offset` to the next NUL, which must come before offset `limit`."""
    found = bytearray()
    limit = min(limit, offset + _LONGEST_STRING)
    while offset < limit:
        chunk = read_at(file, offset, min(_CHUNK, limit - offset), "a string")
        end = chunk.find(b"\0")
        if end >= 0:
            return bytes(found + chunk[:end])
        found += chunk
        offset += len(chunk)
    raise BinaryFormatError("a string runs over the end of the string table")


class _Strings:
    """The dynamic string table: reads the string at an index, where it is asked for."""

    def __init__(self, file: BinaryIO, segments: Sequence[Segment], numbers: Mapping[int, int]) -> None:
        self._file = file
        self._segments = segments
        self._numbers = numbers
        self._place: tuple[int, int] | None = None

    def __getitem__(self, index: int) -> str:
        if self._place is None:
            self._place = string_table(self._segments, self._numbers)
        offset, size = self._place
        if index >= size:
            raise BinaryFormatError(f"string index {index} leaves the string table of {size} bytes")
        return os.fsdecode(read_string(self._file, offset + index, offset + size))


def _read_segments(file: BinaryIO, layouts: Structures, header: FileHeader) -> tuple[Segment, ...]:
    if header.phnum == 0:
        return ()
    if header.phnum == c.PN_XNUM:
        layout = layouts.section
        first = layout.read(read_at(file, header.shoff, layout.size, "section header 0")) if header.shoff else None
        count = first.info if first is not None else "65535 or more"
        raise BinaryFormatError(
            f"{count} program headers, counted in a section header (PN_XNUM); up to 65534 are supported"
        )
    if header.phentsize != layouts.segment.size:
        raise BinaryFormatError(
            f"a program header has {layouts.segment.size} bytes, the ELF header says {header.phentsize}"
        )
    data = read_at(file, header.phoff, header.phnum * header.phentsize, "the program header table")
    return tuple(layouts.segment.read_all(data))


def _read_dynamic(file: BinaryIO, layouts: Structures, segments: Sequence[Segment]) -> tuple[DynamicEntry, ...] | None:
    """The entries before DT_NULL, found by address as the loader does."""
    place = next((segment for segment in segments if segment.type == c.PT_DYNAMIC), None)
    if place is None or place.filesz == 0:  # no contents: a file of debug information
        return None
    offset = offset_of(segments, place.vaddr, place.filesz)
    if offset is None:
        if is_mapped(segments, place.vaddr, place.memsz):  # a file of debug information: its segments are empty
            return None
        raise BinaryFormatError(f"no PT_LOAD holds the dynamic section at address {place.vaddr:#x}")
    if place.filesz > _LONGEST_DYNAMIC:
        raise BinaryFormatError(f"a dynamic section of {place.filesz} bytes")
    data = read_at(file, offset, place.filesz, "the dynamic section")
    # `ld --spare-dynamic-tags=0` leaves no DT_NULL inside: the loader finds one in the zeros that follow.
    entries = tuple(layouts.dynamic.read_all(data))
    tags = [tag for tag, _ in entries]
    return entries[: tags.index(c.DT_NULL)] if c.DT_NULL in tags else entries


def _read_interpreter(file: BinaryIO, segments: Sequence[Segment], type_: int) -> str | None:
    place = next((segment for segment in segments if segment.type == type_), None)
    if place is None or place.filesz == 0:
        return None
    if place.filesz > _LONGEST_INTERPRETER:
        raise BinaryFormatError(f"an interpreter path of {place.filesz} bytes")
    data = read_at(file, place.offset, place.filesz, "the interpreter's path")
    return os.fsdecode(data.partition(b"\0")[0])
