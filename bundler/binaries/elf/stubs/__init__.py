"""The entry stubs: code that starts a program with a loader which is found relative to it, in place of the kernel's PT_INTERP.

`scripts/build_stubs` makes two files a machine of `scripts/stubs/`: one for programs that always start their own loader, and
one (`-auto`) for programs that take the host's where that is new enough. Both are position-independent code without libc and
relocations that can be put at any address which is a multiple of 16. The first bytes are parameters, which the patcher fills in;
the path of the loader follows the code. What the code does is told in `scripts/stubs/entry.c`.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, ElfClass
from bundler.machine import os

MAGIC = b"bndlstub"
ALIGNMENT = 16
_PARAMETERS = "8sIHHqQQ"


class Parameters(NamedTuple):
    """What a stub is told, in front of its code."""

    magic: bytes
    path: int
    """Where the loader's path begins, in bytes from the parameters' start."""
    path_size: int
    """In bytes, with the NUL."""
    floor: int
    """The oldest glibc of a host whose loader is taken: 36 for 2.36. 0 where none is."""
    entry: int
    """The program's own entry point, counted from the parameters' start."""
    size: int
    """Without a stub: bytes of the segment that holds it; of the file where the segment is the stub's own."""
    headers: int
    """Where the program headers are without a stub (e_phoff); 0 where they did not move."""


@dataclass(frozen=True, slots=True)
class Stub:
    """The code for one machine."""

    machine: str
    """As `image.machine_name` has it."""
    code: bytes
    """The parameters, empty but for the magic number, and the code."""
    byteorder: ByteOrder

    @property
    def codec(self) -> struct.Struct:
        """How `Parameters` lie in front of the code."""
        return parameters_codec(self.byteorder)


def parameters_codec(byteorder: ByteOrder) -> struct.Struct:
    """How `Parameters` lie in a file of this byte order."""
    return struct.Struct(("<" if byteorder == "little" else ">") + _PARAMETERS)


_FILES: dict[tuple[int, ElfClass, ByteOrder], str] = {
    (c.EM_X86_64, ElfClass.ELF64, "little"): "x86_64",
    (c.EM_AARCH64, ElfClass.ELF64, "little"): "aarch64",
    (c.EM_RISCV, ElfClass.ELF64, "little"): "riscv64",
    (c.EM_ARM, ElfClass.ELF32, "little"): "arm",
    (c.EM_386, ElfClass.ELF32, "little"): "x86",
}


def stub_for(machine: int, elf_class: ElfClass, byteorder: ByteOrder, *, chooses: bool = False) -> Stub | None:
    """The stub for programs of a machine (e_machine), which `chooses` between two loaders or does not; None where there is none."""
    name = _FILES.get((machine, elf_class, byteorder))
    return None if name is None else _read(f"{name}-auto" if chooses else name, c.MACHINE_NAMES[machine], byteorder)


def stub_machines() -> tuple[str, ...]:
    """The names of the machines for which there is a stub."""
    return tuple(c.MACHINE_NAMES[machine] for machine, _, _ in _FILES)


@functools.cache
def _read(name: str, machine: str, byteorder: ByteOrder) -> Stub:
    with open(os.path.join(os.path.dirname(__file__), f"{name}.bin"), "rb") as file:
        return Stub(machine, file.read(), byteorder)
