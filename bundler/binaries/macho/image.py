"""A Mach-O file as dyld sees it: its slices, and of each the load commands.

Only headers and load commands are read, never the whole file, so that the cost does not depend on the file's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.structs import FAT_ARCH, FAT_ARCH_64, FAT_HEADER, Structures, thin_structures
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

_MOST_SLICES = 29  # a Java class file begins like a fat one; its next word, the version, is 45 or more
_LARGEST_ALIGNMENT = 24
_MOST_COMMANDS = 1 << 24


def is_macho(head: bytes) -> bool:
    """Whether a file that begins with `head` (8 bytes or more) is a Mach-O file, thin or fat."""
    if thin_structures(head[:4]) is not None:
        return True
    magic, count = FAT_HEADER.unpack(head[:8].ljust(8, b"\0"))
    return magic in (c.FAT_MAGIC, c.FAT_MAGIC_64) and 0 < count <= _MOST_SLICES


class DylibKind(Enum):
    """The five ways to ask for a library; the value is the load command's number."""

    LOAD = c.LC_LOAD_DYLIB
    WEAK = c.LC_LOAD_WEAK_DYLIB
    REEXPORT = c.LC_REEXPORT_DYLIB
    LAZY = c.LC_LAZY_LOAD_DYLIB
    UPWARD = c.LC_LOAD_UPWARD_DYLIB


DYLIB_COMMANDS = frozenset(kind.value for kind in DylibKind)


@dataclass(frozen=True, slots=True)
class Dylib:
    """One library that a slice asks for, by an install name as it is written there."""

    kind: DylibKind
    name: str


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """One load command."""

    cmd: int
    """Its number."""
    data: bytes
    """All of its bytes, `cmd` and `cmdsize` included."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a segment."""

    name: str
    address: int
    size: int
    """In bytes."""
    offset: int
    """Where its bytes begin, counted from the slice's start."""
    flags: int

    @property
    def in_file(self) -> bool:
        """Whether the section has bytes in the file."""
        return self.size > 0 and self.offset > 0 and self.flags & c.SECTION_TYPE not in c.ZEROFILL_TYPES


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment: addresses as dyld sees them before it slides the image, offsets from the slice's start."""

    name: str
    vmaddr: int
    vmsize: int
    fileoff: int
    filesize: int
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """One architecture's image. Strings are decoded with os.fsdecode; offsets inside count from the slice's start."""

    offset: int
    """Where the slice begins in the file, in bytes."""
    size: int
    structures: Structures
    cputype: int
    cpusubtype: int
    filetype: int
    """MH_EXECUTE, MH_DYLIB, MH_BUNDLE, …"""
    commands: tuple[LoadCommand, ...]
    segments: tuple[Segment, ...]
    install_name: str | None
    """LC_ID_DYLIB."""
    dylibs: tuple[Dylib, ...]
    rpaths: tuple[str, ...]
    minimum_os: tuple[int, int, int] | None
    """The oldest macOS that the slice says it runs on."""
    signature: tuple[int, int] | None
    """Offset and size of the signature that LC_CODE_SIGNATURE names."""

    @property
    def architecture(self) -> str:
        """`arm64`, `x86_64`, …; `cpu 4711` for an unknown one."""
        subtype = self.cpusubtype & c.CPU_SUBTYPE_MASK
        return c.ARCHITECTURES.get((self.cputype, subtype), f"cpu {self.cputype}")

    @property
    def commands_end(self) -> int:
        """Offset of the first byte behind the load commands."""
        return self.structures.header.size + sum(len(command.data) for command in self.commands)

    @property
    def contents_start(self) -> int:
        """Offset of the first byte that is no header: load commands can grow up to here."""
        starts = [section.offset for segment in self.segments for section in segment.sections if section.in_file]
        starts += [segment.fileoff for segment in self.segments if segment.fileoff and segment.filesize]
        return min(starts, default=self.size)

    def segment(self, name: str) -> Segment | None:
        """The segment of that name, `__TEXT` for one."""
        return next((segment for segment in self.segments if segment.name == name), None)


@dataclass(frozen=True, slots=True)
class FatArch:
    """What a fat header says of a slice, but for its place."""

    cputype: int
    cpusubtype: int
    align: int
    """The slice begins at a multiple of two to this power."""


@dataclass(frozen=True, slots=True)
class Image:
    """A Mach-O file: one slice, or several in a fat file."""

    size: int
    slices: tuple[Slice, ...]
    fat_magic: int | None
    """FAT_MAGIC or FAT_MAGIC_64; None for a thin file."""
    fat_archs: tuple[FatArch, ...]
    """One for each slice; none in a thin file."""

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures in the order of the file."""
        return tuple(part.architecture for part in self.slices)

    def slice_for(self, architecture: str) -> Slice | None:
        """The slice for an architecture."""
        return next((part for part in self.slices if part.architecture == architecture), None)


@dataclass(frozen=True, slots=True)
class FatTable:
    """The header of a fat file, as it stands there: nothing in it was checked against the file."""

    magic: int
    """FAT_MAGIC or FAT_MAGIC_64."""
    records: tuple[tuple[int, int, int, int, int], ...]
    """Of each slice: cputype, cpusubtype, offset, size, align."""
    end: int
    """Offset of the first byte behind the table."""


def read_fat_table(file: BinaryIO) -> FatTable | None:
    """The header of a fat file; None for a thin one. Raises BinaryFormatError."""
    magic, count = FAT_HEADER.unpack(read_at(file, 0, FAT_HEADER.size, "the header"))
    if magic not in (c.FAT_MAGIC, c.FAT_MAGIC_64):
        return None
    if not 0 < count <= _MOST_SLICES:
        raise BinaryFormatError(f"a fat header with {count} architectures")
    layout = FAT_ARCH if magic == c.FAT_MAGIC else FAT_ARCH_64
    table = read_at(file, FAT_HEADER.size, count * layout.size, "the table of architectures")
    records = tuple((record[0], record[1], record[2], record[3], record[4]) for record in layout.iter_unpack(table))
    return FatTable(magic, records, FAT_HEADER.size + len(table))


def read_image(file: BinaryIO) -> Image:
    """Read the headers and load commands of the seekable `file`.

    Raises BinaryFormatError where it is no Mach-O file, is truncated or contradicts itself.
    """
    size = file.seek(0, os.SEEK_END)
    fat = read_fat_table(file)
    if fat is None:
        return Image(size, (_read_slice(file, 0, size),), None, ())
    slices, archs = [], []
    for cputype, cpusubtype, offset, length, align in fat.records:
        if offset + length > size or offset < fat.end or align > _LARGEST_ALIGNMENT:
            raise BinaryFormatError(f"a slice of {length} bytes at offset {offset} leaves the file of {size} bytes")
        part = _read_slice(file, offset, length)
        if (part.cputype, part.cpusubtype & c.CPU_SUBTYPE_MASK) != (cputype, cpusubtype & c.CPU_SUBTYPE_MASK):
            raise BinaryFormatError(f"the fat header and the slice at offset {offset} name different processors")
        slices.append(part)
        archs.append(FatArch(cputype, cpusubtype, align))
    _check_order(slices)
    return Image(size, tuple(slices), fat.magic, tuple(archs))


def name_of(command: LoadCommand, layouts: Structures) -> str:
    """The string that a command of a library or a search path carries. Raises BinaryFormatError."""
    start = layouts.word(command.data, 8)
    if not 12 <= start <= len(command.data):
        raise BinaryFormatError(f"a name at offset {start} of a load command of {len(command.data)} bytes")
    return os.fsdecode(command.data[start:].partition(b"\0")[0])


def _check_order(slices: list[Slice]) -> None:
    end = 0
    for part in sorted(slices, key=lambda part: part.offset):
        if part.offset < end:
            raise BinaryFormatError(f"the slice at offset {part.offset} overlaps the one in front of it")
        end = part.offset + part.size


def _read_slice(file: BinaryIO, offset: int, size: int) -> Slice:
    if size < 28:
        raise BinaryFormatError(f"a Mach-O image of {size} bytes")
    layouts = thin_structures(read_at(file, offset, 4, "the magic number"))
    if layouts is None:
        raise BinaryFormatError("not a Mach-O file")
    header = read_at(file, offset, layouts.header.size, "the Mach-O header")
    _, cputype, cpusubtype, filetype, count, length, *_ = layouts.header.unpack(header)
    if layouts.header.size + length > min(size, _MOST_COMMANDS):
        raise BinaryFormatError(f"load commands of {length} bytes in an image of {size}")
    data = read_at(file, offset + len(header), length, "the load commands")
    commands = tuple(_split(data, count, layouts))
    segments = tuple(_segments(commands, layouts))
    names = {kind: [name_of(x, layouts) for x in commands if x.cmd == kind] for kind in (c.LC_ID_DYLIB, c.LC_RPATH)}
    return Slice(
        offset=offset,
        size=size,
        structures=layouts,
        cputype=cputype,
        cpusubtype=cpusubtype,
        filetype=filetype,
        commands=commands,
        segments=segments,
        install_name=next(iter(names[c.LC_ID_DYLIB]), None),
        dylibs=tuple(Dylib(DylibKind(x.cmd), name_of(x, layouts)) for x in commands if x.cmd in DYLIB_COMMANDS),
        rpaths=tuple(names[c.LC_RPATH]),
        minimum_os=_minimum_os(commands, layouts),
        signature=_signature(commands, layouts, size),
    )


def _split(data: bytes, count: int, layouts: Structures) -> Iterator[LoadCommand]:
    """The commands, which must fill `data` to the last byte."""
    position = 0
    for _ in range(count):
        size = layouts.word(data, position + 4) if position + 8 <= len(data) else 0
        if size < 8 or size % 4 or position + size > len(data):
            raise BinaryFormatError(f"a load command of {size} bytes at {position} of {len(data)}")
        yield LoadCommand(layouts.word(data, position), data[position : position + size])
        position += size
    if position != len(data):
        raise BinaryFormatError(f"load commands of {position} bytes, the header says {len(data)}")


def _segments(commands: tuple[LoadCommand, ...], layouts: Structures) -> Iterator[Segment]:
    wanted = c.LC_SEGMENT_64 if layouts.bits == 64 else c.LC_SEGMENT
    for command in commands:
        if command.cmd != wanted:
            continue
        data = command.data
        if len(data) < layouts.segment.size:
            raise BinaryFormatError(f"a segment command of {len(data)} bytes")
        _, _, name, vmaddr, vmsize, fileoff, filesize, _, _, count, _ = layouts.segment.unpack_from(data)
        if layouts.segment.size + count * layouts.section.size > len(data):
            raise BinaryFormatError(f"a segment command of {len(data)} bytes with {count} sections")
        table = data[layouts.segment.size : layouts.segment.size + count * layouts.section.size]
        sections = tuple(
            Section(_text(one), address, size, offset, flags)
            for one, _, address, size, offset, _, _, _, flags, *_ in layouts.section.iter_unpack(table)
        )
        yield Segment(_text(name), vmaddr, vmsize, fileoff, filesize, sections)


def _text(name: bytes) -> str:
    return os.fsdecode(name.partition(b"\0")[0])


def _minimum_os(commands: tuple[LoadCommand, ...], layouts: Structures) -> tuple[int, int, int] | None:
    """From LC_BUILD_VERSION for macOS, else from the older LC_VERSION_MIN_MACOSX."""
    for command in commands:
        if command.cmd == c.LC_BUILD_VERSION and layouts.word(command.data, 8) == c.PLATFORM_MACOS:
            return _version(layouts.word(command.data, 12))
        if command.cmd == c.LC_VERSION_MIN_MACOSX:
            return _version(layouts.word(command.data, 8))
    return None


def _version(number: int) -> tuple[int, int, int]:
    return number >> 16, number >> 8 & 0xFF, number & 0xFF


def _signature(commands: tuple[LoadCommand, ...], layouts: Structures, size: int) -> tuple[int, int] | None:
    for command in commands:
        if command.cmd == c.LC_CODE_SIGNATURE:
            if len(command.data) < layouts.linkedit_data.size:
                raise BinaryFormatError(f"a signature command of {len(command.data)} bytes")
            _, _, offset, length = layouts.linkedit_data.unpack_from(command.data)
            if offset + length > size:
                raise BinaryFormatError(f"a signature of {length} bytes at offset {offset} in an image of {size}")
            return offset, length
    return None
