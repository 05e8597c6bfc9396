"""The platform for which a Mach-O file is built.

Only the file's first header is read: a file that is damaged further back tells its platform, too.
"""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.image import read_fat_table
from bundler.binaries.macho.structs import FAT_HEADER, thin_structures
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.platforms import AARCH64, X86_64, Machine, OperatingSystem, Platform

_MACHINES = {c.CPU_X86_64: X86_64, c.CPU_ARM64: AARCH64}


def read_platform(file: BinaryIO) -> Platform:
    """macOS with the machine of each slice, in the file's order. Raises BinaryFormatError."""
    return Platform(OperatingSystem.MACOS, tuple(map(_machine, _cpu_types(file))))


def _cpu_types(file: BinaryIO) -> list[int]:
    fat = read_fat_table(file)
    if fat is not None:
        return [cputype for cputype, *_ in fat.records]
    head = read_at(file, 0, FAT_HEADER.size, "the header")
    layouts = thin_structures(head[:4])
    if layouts is None:
        raise BinaryFormatError("not a Mach-O file")
    return [layouts.word(head, 4)]


def _machine(cputype: int) -> Machine:
    return _MACHINES.get(cputype, Machine(f"CPU type {cputype:#x}", 64, "little"))
