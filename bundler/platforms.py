"""Operating system, machine and libc as values: what a binary says about the place it was built for."""

from __future__ import annotations

import enum
import platform
import sys
from dataclasses import dataclass


class OperatingSystem(enum.Enum):
    """The systems whose environments are told apart; values are Python's `sys.platform`."""

    LINUX = "linux"
    MACOS = "darwin"
    WINDOWS = "win32"

    @property
    def shown(self) -> str:
        """The name for a person."""
        return {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}[self.value]


class Libc(enum.Enum):
    """The C library of a Linux environment."""

    GLIBC = "glibc"
    MUSL = "musl"


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of processor with its ABI.

    `name` is what `uname -m` says there, `bits` the width of an address. `number` is ELF's e_machine.
    """

    name: str
    number: int
    bits: int
    byteorder: str


@dataclass(frozen=True, slots=True)
class Platform:
    """What a binary runs on. `libc` is None outside of Linux; a universal macOS binary is built for several machines."""

    system: OperatingSystem
    machines: tuple[Machine, ...]
    libc: Libc | None = None

    @property
    def text(self) -> str:
        """`Linux on aarch64 (glibc)`."""
        libc = f" ({self.libc.value})" if self.libc else ""
        return f"{self.system.shown} on {' and '.join(machine.name for machine in self.machines)}{libc}"


X86_64 = Machine("x86_64", 62, 64, "little")
AARCH64 = Machine("aarch64", 183, 64, "little")
ARM64 = Machine("arm64", 183, 64, "little")
"""The name that Apple gives to AARCH64."""

MACHINES: tuple[Machine, ...] = (
    X86_64,
    Machine("i686", 3, 32, "little"),
    AARCH64,
    Machine("armv7l", 40, 32, "little"),
    Machine("ppc64le", 21, 64, "little"),
    Machine("ppc64", 21, 64, "big"),
    Machine("s390x", 22, 64, "big"),
    Machine("riscv64", 243, 64, "little"),
    Machine("loongarch64", 258, 64, "little"),
)
"""The machines of Linux that are known by name (numbers: elf.h; names: the kernel's UTS_MACHINE)."""


def machine_of(number: int, bits: int, byteorder: str) -> Machine:
    """The machine of an ELF header; one without a name is `machine 4711`."""
    for machine in MACHINES:
        if (machine.number, machine.bits, machine.byteorder) == (number, bits, byteorder):
            return machine
    return Machine(f"machine {number}", number, bits, byteorder)


def this_platform() -> Platform | None:
    """The platform of the running Python; None where it is none that is known. Its libc is not told."""
    system = next((system for system in OperatingSystem if system.value == sys.platform), None)
    name = platform.machine()
    machine = next((machine for machine in (*MACHINES, ARM64) if machine.name == name), None)
    return Platform(system, (machine,)) if system and machine else None


def runs_here(wanted: Platform) -> bool:
    """Whether this machine starts programs of a platform by itself: the same system and machine."""
    here = this_platform()
    if here is None or wanted.system is not here.system:
        return False
    return any(machine in here.machines for machine in wanted.machines)
