"""The entry stub of a program, as it is read: where it lies, which loader it starts, and what was there before it.

A name stub stands in its place, or behind it: the two are read as one.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, FileHeader, Segment
from bundler.binaries.elf.stubs import ALIGNMENT, MAGIC, NAME_MAGIC, Parameters, parameters_codec
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class EntryStub:
    """The stub of a file. Offsets are in bytes from the file's start."""

    segment: int
    """The number of the PT_LOAD that holds it."""
    offset: int
    address: int
    size: int
    """In bytes, the loader's path and its NUL and a name stub included."""
    loader: str | None
    """The path of the loader, relative to the folder of the program; None where the kernel starts it."""
    finds_itself: bool
    """Whether there is a name stub."""
    entry: int
    """Address of the program's own entry point."""
    parameters: Parameters
    """Of the first of two."""


def read_stub(
    file: BinaryIO, byteorder: ByteOrder, header: FileHeader, segments: Sequence[Segment]
) -> EntryStub | None:
    """The stub at the file's entry point; None where there is none.

    One that maps a loader is there only where a program header has the type PT_SET_ASIDE, a name stub by itself only where the
    kernel starts a loader: nothing else is read of all other files.
    Raises BinaryFormatError where its parameters lead out of the segment.
    """
    types = {segment.type for segment in segments}
    maps_loader = c.PT_SET_ASIDE in types
    if not maps_loader and c.PT_INTERP not in types:
        return None
    codec = parameters_codec(byteorder)
    address = header.entry - codec.size
    holders = (
        (number, segment)
        for number, segment in enumerate(segments)
        if segment.type == c.PT_LOAD and 0 <= address - segment.vaddr <= segment.filesz - codec.size
    )
    number, segment = next(holders, (0, None))
    if segment is None:
        return None
    offset = segment.offset + address - segment.vaddr
    room = segment.filesz - (address - segment.vaddr)
    parameters = _parameters(file, offset, codec)
    if parameters.magic != (MAGIC if maps_loader else NAME_MAGIC):
        return None
    size = parameters.path + parameters.path_size
    if size > room or (maps_loader and not 1 < parameters.path_size <= _LONGEST_PATH):
        raise BinaryFormatError(f"the entry stub of {size} bytes at address {address:#x} leaves its segment")
    if not maps_loader:
        return EntryStub(number, offset, address, size, None, True, address + parameters.entry, parameters)
    path = read_at(file, offset + parameters.path, parameters.path_size, "the path of the loader")
    loader = os.fsdecode(path.partition(b"\0")[0])
    entry = address + parameters.entry
    second = -(-size // ALIGNMENT) * ALIGNMENT
    if parameters.entry == second + codec.size and second + codec.size <= room:
        naming = _parameters(file, offset + second, codec)
        if naming.magic == NAME_MAGIC:
            size, entry = second + naming.path, address + second + naming.entry
            if size > room:
                raise BinaryFormatError(
                    f"the name stub of {naming.path} bytes at {address + second:#x} leaves its segment"
                )
            return EntryStub(number, offset, address, size, loader, True, entry, parameters)
    return EntryStub(number, offset, address, size, loader, False, entry, parameters)


def _parameters(file: BinaryIO, offset: int, codec: struct.Struct) -> Parameters:
    return Parameters._make(codec.unpack(read_at(file, offset, codec.size, "the entry stub")))
