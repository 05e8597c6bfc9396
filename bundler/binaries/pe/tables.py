"""The tables by which a PE file is tied to others: imports, delayed imports, exports and those that are forwarded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.headers import Headers
from bundler.errors import BinaryFormatError

_LONGEST_NAME, _LONGEST_FORWARDER = 512, 4096
_MOST_DLLS, _MOST_EXPORTS = 1 << 12, 1 << 16
_MOST_SYMBOLS = 1 << 16
_MOST_TEXT = 1 << 22
"""Bytes of all forwarders; python3.dll's have 30,000."""


@dataclass(frozen=True, slots=True)
class ImportedDll:
    """A DLL that is imported, and its descriptor as it stands in the file."""

    name: str
    name_address: int
    """Relative, whatever the descriptor holds."""
    offset: int
    """Of the descriptor in the file."""
    descriptor: tuple[int, ...]
    """See `structs.IMPORT_DESCRIPTOR` and `structs.DELAY_DESCRIPTOR`."""
    delayed: bool = False

    @property
    def bound(self) -> bool:
        """Whether addresses of a certain DLL were written into the import table."""
        return self.descriptor[7 if self.delayed else 1] != 0


@dataclass(frozen=True, slots=True)
class Forwarder:
    """An export that leads to another DLL's."""

    number: int
    """Of the entry in the table of functions, from 0 on."""
    address: int
    text: str
    """`NTDLL.RtlAllocateHeap`, `OTHER.#12`."""

    @property
    def dll(self) -> str:
        """The DLL as it is named in front of the last dot: mostly without `.dll`."""
        return self.text.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Exports:
    """The export directory."""

    name: str
    offset: int
    """Of the directory in the file."""
    directory: tuple[int, ...]
    """See `structs.EXPORT_DIRECTORY`."""
    forwarders: tuple[Forwarder, ...]
    """In the order of the table of functions."""


def read_imports(file: BinaryIO, headers: Headers) -> tuple[ImportedDll, ...]:
    """The DLLs of both import tables. Raises BinaryFormatError."""
    return (*_imports(file, headers), *_delayed(file, headers))


def _imports(file: BinaryIO, headers: Headers) -> Iterator[ImportedDll]:
    address = headers.directory(c.IMPORT).address
    for offset, descriptor in _descriptors(file, headers, address, s.IMPORT_DESCRIPTOR, "the import table"):
        if not descriptor[3] or not descriptor[4]:
            return
        name = headers.text_at(file, descriptor[3], _LONGEST_NAME, "the name of an imported DLL")
        yield ImportedDll(name, descriptor[3], offset, descriptor)


def _delayed(file: BinaryIO, headers: Headers) -> Iterator[ImportedDll]:
    address = headers.directory(c.DELAY_IMPORT).address
    for offset, descriptor in _descriptors(file, headers, address, s.DELAY_DESCRIPTOR, "the delay-import table"):
        if not descriptor[1]:
            return
        relative = descriptor[1] - (0 if descriptor[0] & c.DELAY_ATTRIBUTE_RVA else headers.image_base)
        if relative < 0:
            raise BinaryFormatError(f"the name of a delayed DLL at {descriptor[1]:#x}, below {headers.image_base:#x}")
        name = headers.text_at(file, relative, _LONGEST_NAME, "the name of a delayed DLL")
        yield ImportedDll(name, relative, offset, descriptor, delayed=True)


def _descriptors(
    file: BinaryIO, headers: Headers, address: int, layout: struct.Struct, what: str
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Offset and fields of each descriptor, without an end: who reads them knows the last one."""
    if not address:
        return
    for number in range(_MOST_DLLS):
        at = address + number * layout.size
        data = headers.bytes_at(file, at, layout.size, what)
        yield headers.place(at, what)[0], layout.unpack(data)
    raise BinaryFormatError(f"{what} has more than {_MOST_DLLS} entries")


def read_exports(file: BinaryIO, headers: Headers) -> Exports | None:
    """The export directory; None where there is none. Raises BinaryFormatError."""
    place = headers.directory(c.EXPORT)
    if not place.address or not place.size:
        return None
    data = headers.bytes_at(file, place.address, s.EXPORT_DIRECTORY.size, "the export directory")
    directory = s.EXPORT_DIRECTORY.unpack(data)
    count = directory[6]
    if count > _MOST_EXPORTS:
        raise BinaryFormatError(f"the export directory has {count} functions; {_MOST_EXPORTS} are allowed")
    name = headers.text_at(file, directory[4], _LONGEST_NAME, "the export directory's name") if directory[4] else ""
    functions = headers.bytes_at(file, directory[8], 4 * count, "the table of exported functions") if count else b""
    offset = headers.place(place.address, "the export directory")[0]
    return Exports(name, offset, directory, tuple(_forwarders(file, headers, functions)))


def _forwarders(file: BinaryIO, headers: Headers, functions: bytes) -> Iterator[Forwarder]:
    """The functions whose addresses lie in the export directory: these are texts, and no code."""
    place = headers.directory(c.EXPORT)
    length = 0
    for number, (at,) in enumerate(s.DWORD.iter_unpack(functions)):
        if place.address <= at < place.address + place.size:
            text = headers.text_at(file, at, _LONGEST_FORWARDER, "a forwarded export")
            length += len(text)
            if length > _MOST_TEXT:
                raise BinaryFormatError(f"the forwarded exports have more than {_MOST_TEXT} bytes")
            yield Forwarder(number, at, text)


def exported_names(file: BinaryIO, headers: Headers, exports: Exports) -> Iterator[str]:
    """The names of all exports, in the file's order. Raises BinaryFormatError."""
    count, address = exports.directory[7], exports.directory[9]
    if count > _MOST_EXPORTS:
        raise BinaryFormatError(f"the export directory has {count} names; {_MOST_EXPORTS} are allowed")
    table = headers.bytes_at(file, address, 4 * count, "the table of exported names") if count else b""
    for (at,) in s.DWORD.iter_unpack(table):
        yield headers.text_at(file, at, _LONGEST_FORWARDER, "the name of an export")


def imported_names(file: BinaryIO, headers: Headers, dll: ImportedDll) -> Iterator[str]:
    """The names that are imported from a DLL; those that are imported by number are passed over. Raises BinaryFormatError."""
    shift = headers.image_base if dll.delayed and not dll.descriptor[0] & c.DELAY_ATTRIBUTE_RVA else 0
    table = dll.descriptor[4] - shift if dll.delayed else dll.descriptor[0] or dll.descriptor[4]
    kind = s.QWORD if headers.layout.bits == 64 else s.DWORD
    by_number = 1 << (headers.layout.bits - 1)
    for number in range(_MOST_SYMBOLS):
        data = headers.bytes_at(file, table + number * kind.size, kind.size, "a table of imported names")
        at = int(kind.unpack(data)[0])
        if not at:
            return
        if not at & by_number:
            yield headers.text_at(file, at - shift + 2, _LONGEST_FORWARDER, "the name of an import")
    raise BinaryFormatError(f"more than {_MOST_SYMBOLS} names are imported from {dll.name}")
