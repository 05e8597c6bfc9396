"""A PE file as the loader sees it: headers, sections, what it imports and exports.

Only headers and tables are read, never the whole file. Addresses are relative to the image's base (RVAs), offsets are in bytes
from the file's start. Source: "PE Format" of Microsoft's documentation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.headers import Directory, Headers, Section, read_headers
from bundler.binaries.pe.tables import Exports, ImportedDll, read_exports, read_imports
from bundler.binaries.reading import read_at
from bundler.machine import os

__all__ = ["Directory", "Exports", "Headers", "Image", "ImportedDll", "LoadConfig", "Section", "is_pe", "read_image"]

_FARTHEST_HEADER = 1 << 28


def is_pe(head: bytes) -> bool:
    """Whether a file that begins with `head` (64 bytes) may be a PE file: a program for DOS that names the place of a PE header.

    The header itself lies further back, so that a program for DOS with a number there is taken for a damaged PE file.
    """
    if len(head) < c.DOS_HEADER_SIZE or head[:2] != c.DOS_MAGIC:
        return False
    place = int(s.DWORD.unpack_from(head, c.E_LFANEW)[0])
    return place % 4 == 0 and 4 <= place < _FARTHEST_HEADER


@dataclass(frozen=True, slots=True)
class LoadConfig:
    """What a patcher has to know of the load configuration."""

    size: int
    """Of the structure, as it says itself, in bytes."""
    dependent_load_flags: int
    """Where imports are looked for (LOAD_LIBRARY_SEARCH_…); 0 for the process's own order."""
    chpe_metadata: int
    """Not 0 in a file with code for two machines (ARM64X, ARM64EC, CHPE), which has a second view of its tables."""


@dataclass(frozen=True, slots=True)
class Image:
    """A PE file. Names are decoded with os.fsdecode."""

    headers: Headers
    imports: tuple[ImportedDll, ...]
    """Those of the import table in their order, then those of the delay-import table."""
    exports: Exports | None
    load_config: LoadConfig | None

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return self.headers.size

    @property
    def needed(self) -> tuple[str, ...]:
        """The DLLs that are imported when the file is loaded, in order."""
        return tuple(dll.name for dll in self.imports if not dll.delayed)

    @property
    def delayed(self) -> tuple[str, ...]:
        """The DLLs that are loaded at the first call, in order."""
        return tuple(dll.name for dll in self.imports if dll.delayed)

    @property
    def name(self) -> str | None:
        """The name that the export directory has for the file."""
        return self.exports.name if self.exports is not None else None


def read_image(file: BinaryIO) -> Image:
    """Read the headers and tables of the seekable `file`.

    Raises BinaryFormatError where it is no PE file, is truncated or contradicts itself.
    """
    headers = read_headers(file, file.seek(0, os.SEEK_END))
    return Image(headers, read_imports(file, headers), read_exports(file, headers), _load_config(file, headers))


def _load_config(file: BinaryIO, headers: Headers) -> LoadConfig | None:
    place = headers.directory(c.LOAD_CONFIG)
    if not place.address:
        return None
    layout = headers.layout
    offset, room = headers.place(place.address, "the load configuration")
    size = s.DWORD.unpack(read_at(file, offset, min(4, room), "the load configuration").ljust(4, b"\0"))[0]
    data = read_at(file, offset, min(size, room, layout.chpe_metadata[0] + 8), "the load configuration")

    def field(at: int, kind: struct.Struct) -> int:
        return int(kind.unpack_from(data, at)[0]) if at + kind.size <= len(data) else 0

    return LoadConfig(size, field(layout.dependent_load_flags, s.WORD), field(*layout.chpe_metadata))
