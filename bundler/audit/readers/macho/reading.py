"""A Mach-O file as macholib reads it.

macholib is shown the header and the load commands alone: it would read every section into memory. Bounds on their number and
size stand here; it knows none.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from macholib import mach_o
from macholib.MachO import MachO

from bundler.audit.readers.bytewise import read_range
from bundler.audit.readers.facts import ByteOrder, CommandFacts, MachOFacts, MachSection, MachSegment, SliceFacts
from bundler.errors import BinaryFormatError
from bundler.machine import os

DYLIB_COMMANDS = (
    mach_o.LC_LOAD_DYLIB, mach_o.LC_LOAD_WEAK_DYLIB, mach_o.LC_REEXPORT_DYLIB, mach_o.LC_LAZY_LOAD_DYLIB,
    mach_o.LC_LOAD_UPWARD_DYLIB,
)  # fmt: skip
"""The five ways to ask for a library."""
_FAT = {mach_o.FAT_MAGIC: mach_o.fat_arch, mach_o.FAT_MAGIC_64: mach_o.fat_arch64}
_HEADERS: dict[int, tuple[int, ByteOrder, Any]] = {
    mach_o.MH_MAGIC: (32, "big", mach_o.mach_header),
    mach_o.MH_CIGAM: (32, "little", mach_o.mach_header),
    mach_o.MH_MAGIC_64: (64, "big", mach_o.mach_header_64),
    mach_o.MH_CIGAM_64: (64, "little", mach_o.mach_header_64),
}
_MOST_SLICES = 29
_MOST_COMMANDS = 1 << 13
_MOST_BYTES = 1 << 19  # of the load commands of a slice
_MACOS = 1
_WORD = 0xFFFFFFFF


def read_macho(file: BinaryIO) -> MachOFacts:
    """What macholib reads of the seekable `file`.

    Raises BinaryFormatError where a table leaves the file or is beyond all measure, and whatever macholib raises.
    """
    file.seek(0, os.SEEK_END)  # not every kind of file gives its position back
    size = file.tell()
    magic = int.from_bytes(_at(file, 0, 4, size), "big")
    if magic not in _FAT:
        return MachOFacts(size, None, (_slice(file, 0, size),), ())
    head = mach_o.fat_header.from_str(_at(file, 0, 8, size))
    count, layout = int(head.nfat_arch), _FAT[magic]
    if not 0 < count <= _MOST_SLICES:
        raise BinaryFormatError(f"{count} architectures")
    step = layout._size_
    archs = [layout.from_str(_at(file, 8 + number * step, step, size)) for number in range(count)]
    slices = []
    for arch in archs:
        if int(arch.offset) + int(arch.size) > size:
            raise BinaryFormatError(f"a slice of {arch.size} bytes at offset {arch.offset} of a file of {size}")
        slices.append(_slice(file, int(arch.offset), int(arch.size)))
    known = tuple((int(arch.cputype) & _WORD, int(arch.cpusubtype) & _WORD, int(arch.align)) for arch in archs)
    return MachOFacts(size, magic, tuple(slices), known)


def _slice(file: BinaryIO, offset: int, size: int) -> SliceFacts:
    magic = int.from_bytes(_at(file, offset, 4, offset + size), "big")
    if magic not in _HEADERS:
        raise BinaryFormatError(f"no Mach-O file: its magic number is {magic:#x}")
    bits, order, layout = _HEADERS[magic]
    length = layout._size_
    endian = "<" if order == "little" else ">"
    head = layout.from_str(_at(file, offset, length, offset + size), _endian_=endian)
    if head.sizeofcmds > _MOST_BYTES or head.ncmds > _MOST_COMMANDS:
        raise BinaryFormatError(f"{head.ncmds} load commands of {head.sizeofcmds} bytes")
    end = length + int(head.sizeofcmds)
    data = _at(file, offset, end, offset + size)
    loaded = _macholib(data, size)
    commands, segments, at = [], [], length
    for load, command, more in loaded.commands:
        bytes_ = data[at : at + int(load.cmdsize)]
        at += len(bytes_)
        commands.append(_command(int(load.cmd), command, bytes_))
        if load.cmd == (mach_o.LC_SEGMENT_64 if bits == 64 else mach_o.LC_SEGMENT):
            segments.append(_segment(command, more))
    return SliceFacts(
        offset=offset, size=size, bits=bits, byteorder=order,
        cputype=int(head.cputype) & _WORD, cpusubtype=int(head.cpusubtype) & _WORD,
        filetype=int(head.filetype), flags=int(head.flags), reserved=int(head.reserved) if bits == 64 else 0,
        commands=tuple(commands), commands_end=int(loaded.total_size), segments=tuple(segments),
        signature=_signature(loaded.commands), minimum_os=_minimum_os(loaded.commands),
    )  # fmt: skip


def _macholib(data: bytes, size: int) -> Any:
    """macholib's reading of a slice of `size` bytes that begins with `data`."""
    reader = MachO.__new__(MachO)
    reader.filename, reader.headers, reader.allow_unknown_load_commands = "the file", [], True
    reader.load_header(io.BytesIO(data), 0, size)
    return reader.headers[0]


def _command(cmd: int, command: Any, data: bytes) -> CommandFacts:
    if cmd in DYLIB_COMMANDS or cmd == mach_o.LC_ID_DYLIB:
        start = int(command.name)
    elif cmd == mach_o.LC_RPATH:
        start = int(command.path)
    else:
        return CommandFacts(cmd, data, None, 0)
    return CommandFacts(cmd, data, os.fsdecode(data[start:].partition(b"\0")[0]), start)


def _segment(command: Any, sections: Any) -> MachSegment:
    return MachSegment(
        _text(command.segname), int(command.vmaddr), int(command.vmsize), int(command.fileoff), int(command.filesize),
        int(command.maxprot), int(command.initprot), int(command.flags),
        tuple(
            MachSection(
                _text(each.sectname), _text(each.segname), int(each.addr), int(each.size), int(each.offset),
                int(each.align), int(each.reloff), int(each.nreloc), int(each.flags),
            )
            for each in sections
        ),
    )  # fmt: skip


def _text(name: Any) -> str:
    return os.fsdecode(bytes(name).partition(b"\0")[0])


def _signature(commands: Any) -> tuple[int, int] | None:
    for load, command, _ in commands:
        if load.cmd == mach_o.LC_CODE_SIGNATURE:
            return int(command.dataoff), int(command.datasize)
    return None


def _minimum_os(commands: Any) -> tuple[int, int, int] | None:
    """From LC_BUILD_VERSION for macOS or LC_VERSION_MIN_MACOSX, whichever comes first."""
    for load, command, _ in commands:
        if load.cmd == mach_o.LC_BUILD_VERSION and command.platform == _MACOS:
            number = int(command.minos)
        elif load.cmd == mach_o.LC_VERSION_MIN_MACOSX:
            number = int(command.version)
        else:
            continue
        return number >> 16, number >> 8 & 0xFF, number & 0xFF
    return None


def _at(file: BinaryIO, offset: int, length: int, end: int) -> bytes:
    if offset + length > end:
        raise BinaryFormatError(f"{length} bytes at offset {offset}, and there are {max(end - offset, 0)}")
    return read_range(file, offset, offset + length)
