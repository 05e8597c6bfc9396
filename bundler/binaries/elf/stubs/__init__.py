"""The entry stubs: code that starts a program with a loader which is found relative to it, in place of the kernel's PT_INTERP;
and the name stubs, which let a Python find its own place under whatever name it was started.

`scripts/build_stubs` makes three files a machine of `scripts/stubs/`: two entry stubs, one for programs that always start their own
loader, and one (`-auto`) for programs that take the host's where that is new enough; and a name stub. All are position-independent
code without libc and relocations that can be put at any address which is a multiple of 16. The first bytes are parameters, which
the patcher fills in. The path of the loader follows the code of an entry stub; a name stub stands alone, or behind an entry stub of
either kind, which then goes on to it. What the code does is told in `scripts/stubs/entry.c` and `scripts/stubs/name.c`.
"""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, ElfClass
from bundler.files import opened
from bundler.machine import os

MAGIC = b"bndlstub"
NAME_MAGIC = b"bndlname"
ALIGNMENT = 16
_PARAMETERS = "8sIHHqQQ"


class Parameters(NamedTuple):
    """What a stub is told, in front of its code."""

    magic: bytes
    path: int
    """Where the loader's path begins, in bytes from the parameters' start: the size of the code."""
    path_size: int
    """In bytes, with the NUL; 0 in a name stub."""
    floor: int
    """The oldest glibc of a host whose loader is taken: 36 for 2.36. 0 where none is, and in a name stub."""
    entry: int
    """What comes next, counted from the parameters' start: the name stub behind this one, or the program's own entry point."""
    size: int
    """Without a stub: bytes of the segment that holds it; of the file where the segment is the stub's own. 0 in a second stub."""
    headers: int
    """Where the program headers are without a stub (e_phoff); 0 where they did not move."""


@dataclass(frozen=True, slots=True)
class Stub:
    """The code for one machine."""

    machine: str
    """As `image.machine_name` has it."""
    code: bytes
    """The entry stub, of one kind or the other: the parameters, empty but for the magic number, and the code."""
    naming: bytes
    """The name stub, alike."""
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
    return None if name is None else _read(name, c.MACHINE_NAMES[machine], byteorder, chooses=chooses)


def stub_machines() -> tuple[str, ...]:
    """The names of the machines for which there is a stub."""
    return tuple(c.MACHINE_NAMES[machine] for machine, _, _ in _FILES)


@dataclass(frozen=True, slots=True)
class WantedStub:
    """What a program shall get in front of its own entry point: an entry stub, a name stub, or both."""

    stub: Stub
    """Of the kind that chooses between two loaders where there is a `floor`."""
    loader: bytes | None
    """The path of the program's own loader, relative to its folder, which it shall map itself; None for the kernel's."""
    finds_itself: bool
    """Whether it shall find its own place under whatever name it is started."""
    floor: int = 0
    """The oldest glibc of a host whose loader is taken in place of its own: 36 for 2.36; 0 where none is."""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.filled(0, 0, 0, 0))

    def filled(self, address: int, entry: int, size: int, headers: int) -> bytes:
        """The bytes that go to `address`, a multiple of 16: one stub or two. `size` and `headers` as in `Parameters`.

        The program's entry point is that of the first stub then, behind its parameters.
        """
        stub = self.stub
        if self.loader is None:
            return self._naming(entry - address, size, headers)
        path = self.loader + b"\0"
        length = len(stub.code) + len(path)
        second = -(-length // ALIGNMENT) * ALIGNMENT
        behind = second + stub.codec.size if self.finds_itself else entry - address
        parameters = Parameters(MAGIC, len(stub.code), len(path), self.floor, behind, size, headers)
        first = stub.codec.pack(*parameters) + stub.code[stub.codec.size :] + path
        if not self.finds_itself:
            return first
        return first.ljust(second, b"\0") + self._naming(entry - address - second, 0, 0)

    def _naming(self, entry: int, size: int, headers: int) -> bytes:
        """The bytes of a name stub, which goes on to `entry`, counted from its start."""
        codec, code = self.stub.codec, self.stub.naming
        return codec.pack(*Parameters(NAME_MAGIC, len(code), 0, 0, entry, size, headers)) + code[codec.size :]


@functools.cache
def _read(name: str, machine: str, byteorder: ByteOrder, *, chooses: bool) -> Stub:
    code = _bytes_of("stubs", f"{name}-auto.bin" if chooses else f"{name}.bin")
    return Stub(machine, code, _bytes_of("names", f"{name}.bin"), byteorder)


def _bytes_of(folder: str, name: str) -> bytes:
    with opened(os.path.join(os.path.dirname(__file__), os.pardir, folder, name)) as file:
        return file.read()
