"""The entry stub of a program, as it is read: where it lies, which loader it starts, and what was there before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, FileHeader, Segment
from bundler.binaries.elf.stubs import MAGIC, Parameters, parameters_codec
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
    """In bytes, the loader's path and its NUL included."""
    loader: str
    """The path of the loader, relative to the folder of the program."""
    entry: int
    """Address of the program's own entry point."""
    parameters: Parameters


def read_stub(
    file: BinaryIO, byteorder: ByteOrder, header: FileHeader, segments: Sequence[Segment]
) -> EntryStub | None:
    """The stub at the file's entry point; None where there is none.

    A stub is there where a program header has the type PT_SET_ASIDE: nothing else is read of all other files.
    Raises BinaryFormatError where its parameters lead out of the segment.
    """
    if not any(segment.type == c.PT_SET_ASIDE for segment in segments):
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
    skip = address - segment.vaddr
    offset = segment.offset + skip
    parameters = Parameters._make(codec.unpack(read_at(file, offset, codec.size, "the entry stub")))
    if parameters.magic != MAGIC:
        return None
    size = parameters.path + parameters.path_size
    if size > segment.filesz - skip or not 1 < parameters.path_size <= _LONGEST_PATH:
        raise BinaryFormatError(f"the entry stub of {size} bytes at address {address:#x} leaves its segment")
    path = read_at(file, offset + parameters.path, parameters.path_size, "the path of the loader")
    loader = os.fsdecode(path.partition(b"\0")[0])
    return EntryStub(number, offset, address, size, loader, address + parameters.entry, parameters)
