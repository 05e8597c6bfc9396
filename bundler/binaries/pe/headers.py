"""The headers of a PE file, and where in the file the bytes of an address lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

_MOST_SECTIONS = 1 << 12
"""The specification allows 96, and newer systems more."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A data directory: where it is in memory (SECURITY: in the file), and its size in bytes; zeros for none."""

    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section header. What the linker left of relocations and line numbers is not kept."""

    name: str
    virtual_size: int
    address: int
    raw_size: int
    """Bytes in the file, from `raw_offset` on."""
    raw_offset: int
    flags: int
    """IMAGE_SCN_…"""

    @property
    def start(self) -> int:
        """Where its bytes begin in the file: the loader counts in sectors of 512 bytes."""
        return self.raw_offset // c.SECTOR_SIZE * c.SECTOR_SIZE

    @property
    def end(self) -> int:
        """Behind its last byte in the file."""
        return self.raw_offset + self.raw_size if self.raw_size else 0

    @property
    def memory(self) -> int:
        """Its size in memory in bytes, before it is rounded to pages."""
        return self.virtual_size or self.raw_size

    @property
    def mapped(self) -> int:
        """How many bytes of the file are in memory, counted from the section's address."""
        pages = -(-self.memory // c.PAGE_SIZE) * c.PAGE_SIZE
        return min(self.end - self.start, pages) if self.raw_size else 0


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers, each field by its name in the specification."""

    size: int
    """Of the file, in bytes."""
    pe_offset: int
    """Where the signature `PE` is."""
    layout: s.OptionalHeader
    machine: int
    characteristics: int
    """IMAGE_FILE_…"""
    symbols: int
    """PointerToSymbolTable: an offset; 0 for none."""
    image_base: int
    section_alignment: int
    file_alignment: int
    os_version: tuple[int, int]
    subsystem_version: tuple[int, int]
    """The oldest Windows that loads the file."""
    size_of_image: int
    size_of_headers: int
    checksum: int
    """0 where there is none."""
    subsystem: int
    dll_characteristics: int
    optional_offset: int
    """Where the optional header begins."""
    section_table: int
    """Where the table of sections begins."""
    directories: tuple[Directory, ...]
    """At most 16."""
    sections: tuple[Section, ...]

    @property
    def is_dll(self) -> bool:
        """Whether it is a library, as extension modules are."""
        return bool(self.characteristics & c.IMAGE_FILE_DLL)

    @property
    def directories_offset(self) -> int:
        """Where the table of data directories begins."""
        return self.optional_offset + self.layout.size

    @property
    def section_table_end(self) -> int:
        """Behind the table of sections."""
        return self.section_table + len(self.sections) * s.SECTION_HEADER.size

    @property
    def contents_end(self) -> int:
        """Behind the last byte of a section, or of the headers."""
        return max([self.section_table_end, *(section.end for section in self.sections)])

    def directory(self, number: int) -> Directory:
        """A data directory by its number; an empty one where the file has fewer."""
        return self.directories[number] if number < len(self.directories) else Directory(0, 0)

    def place(self, address: int, what: str) -> tuple[int, int]:
        """Where in the file the byte of an address is, and how many bytes of its section follow from there on.

        Raises BinaryFormatError, which calls it `what`, where no section has the address in the file.
        """
        for section in self.sections:
            into = address - section.address
            if 0 <= into < section.mapped:
                return section.start + into, section.mapped - into
        if address < min(self.size_of_headers, self.size):
            return address, min(self.size_of_headers, self.size) - address
        raise BinaryFormatError(f"{what} lies at the address {address:#x}, and no section of the file holds it")

    def bytes_at(self, file: BinaryIO, address: int, length: int, what: str) -> bytes:
        """`length` bytes at an address. Raises BinaryFormatError, which calls them `what`, where they leave the section."""
        offset, room = self.place(address, what)
        if length > room:
            raise BinaryFormatError(
                f"{what} is truncated: {length} bytes at the address {address:#x} are needed, {room} are there"
            )
        return read_at(file, offset, length, what)

    def text_at(self, file: BinaryIO, address: int, longest: int, what: str) -> str:
        """The string at an address, up to its NUL; of more than `longest` bytes, or without an end, it is a BinaryFormatError."""
        offset, room = self.place(address, what)
        data = read_at(file, offset, min(room, longest + 1), what)
        text, end, _ = data.partition(b"\0")
        if not end:
            raise BinaryFormatError(f"{what} at the address {address:#x} does not end within {len(data)} bytes")
        return os.fsdecode(text)


def read_headers(file: BinaryIO, size: int) -> Headers:
    """The headers of a file of `size` bytes. Raises BinaryFormatError."""
    head = read_at(file, 0, c.DOS_HEADER_SIZE, "the DOS header")
    if head[:2] != c.DOS_MAGIC:
        raise BinaryFormatError("not a PE file")
    place = s.DWORD.unpack_from(head, c.E_LFANEW)[0]
    start = read_at(file, place, 4 + s.FILE_HEADER.size, "the PE header")
    if start[:4] != c.PE_SIGNATURE:
        raise BinaryFormatError(f"a program for DOS: there is no PE header at offset {place}")
    machine, count, _, symbols, _, optional_size, characteristics = s.FILE_HEADER.unpack_from(start, 4)
    optional_offset = place + len(start)
    optional = read_at(file, optional_offset, optional_size, "the optional header")
    layout = _layout(optional)
    table = optional_offset + optional_size
    if count > _MOST_SECTIONS:
        raise BinaryFormatError(f"a PE header with {count} sections; {_MOST_SECTIONS} are allowed")
    data = read_at(file, table, count * s.SECTION_HEADER.size, "the table of sections")

    def number(at: int) -> int:
        return int(s.DWORD.unpack_from(optional, at)[0])

    def short(at: int) -> int:
        return int(s.WORD.unpack_from(optional, at)[0])

    base_offset, base = layout.image_base
    headers = Headers(
        size=size,
        pe_offset=place,
        layout=layout,
        machine=machine,
        characteristics=characteristics,
        symbols=symbols,
        image_base=base.unpack_from(optional, base_offset)[0],
        section_alignment=number(s.SECTION_ALIGNMENT),
        file_alignment=number(s.FILE_ALIGNMENT),
        os_version=(short(s.MAJOR_OPERATING_SYSTEM_VERSION), short(s.MAJOR_OPERATING_SYSTEM_VERSION + 2)),
        subsystem_version=(short(s.MAJOR_SUBSYSTEM_VERSION), short(s.MAJOR_SUBSYSTEM_VERSION + 2)),
        size_of_image=number(s.SIZE_OF_IMAGE),
        size_of_headers=number(s.SIZE_OF_HEADERS),
        checksum=number(s.CHECKSUM),
        subsystem=short(s.SUBSYSTEM),
        dll_characteristics=short(s.DLL_CHARACTERISTICS),
        optional_offset=optional_offset,
        section_table=table,
        directories=_directories(optional, layout),
        sections=tuple(_sections(data)),
    )
    _check(headers)
    return headers


def _layout(optional: bytes) -> s.OptionalHeader:
    magic = s.WORD.unpack_from(optional)[0] if len(optional) >= 2 else 0
    layout = {c.IMAGE_NT_OPTIONAL_HDR32_MAGIC: s.PE32, c.IMAGE_NT_OPTIONAL_HDR64_MAGIC: s.PE32_PLUS}.get(magic)
    if layout is None:
        raise BinaryFormatError(f"an optional header of the unknown kind {magic:#x}")
    if len(optional) < layout.size:
        raise BinaryFormatError(f"an optional header of {len(optional)} bytes; {layout.size} are needed")
    return layout


def _directories(optional: bytes, layout: s.OptionalHeader) -> tuple[Directory, ...]:
    count = min(s.DWORD.unpack_from(optional, layout.size - 4)[0], c.MOST_DIRECTORIES)
    needed = layout.size + count * s.DATA_DIRECTORY.size
    if needed > len(optional):
        raise BinaryFormatError(f"an optional header of {len(optional)} bytes; {count} directories end at {needed}")
    return tuple(Directory(*each) for each in s.DATA_DIRECTORY.iter_unpack(optional[layout.size : needed]))


def _sections(table: bytes) -> Iterator[Section]:
    for name, virtual_size, address, raw_size, raw_offset, _, _, _, _, flags in s.SECTION_HEADER.iter_unpack(table):
        yield Section(os.fsdecode(name.rstrip(b"\0")), virtual_size, address, raw_size, raw_offset, flags)


def _check(headers: Headers) -> None:
    """Sections lie in the file, and in memory one behind the other, as the loader demands it."""
    for name, value in (("section", headers.section_alignment), ("file", headers.file_alignment)):
        if value < 1 or value & (value - 1):
            raise BinaryFormatError(f"the {name} alignment is {value}, and no power of two")
    end = 0
    for section in headers.sections:
        if section.address < end:
            raise BinaryFormatError(
                f"the section {section.name} at the address {section.address:#x} overlaps what ends at {end:#x}"
            )
        end = section.address + section.memory
        if section.end > headers.size:
            raise BinaryFormatError(
                f"the section {section.name} is truncated: it ends at {section.end}, the file at {headers.size}"
            )
    if end > max(headers.size_of_image, 0):
        raise BinaryFormatError(f"the sections end at {end:#x}, the image at {headers.size_of_image:#x}")
    certificate = headers.directory(c.SECURITY)
    if certificate.size and not headers.contents_end <= certificate.address <= headers.size - certificate.size:
        raise BinaryFormatError(
            f"a signature of {certificate.size} bytes at offset {certificate.address} does not lie"
            f" between the sections, which end at {headers.contents_end}, and the file's end at {headers.size}"
        )
