"""Operating system, machine and libc as values: what a binary says about the place it was built for."""

from __future__ import annotations

import enum
import sys
from dataclasses import dataclass

from bundler.machine import os


class OperatingSystem(enum.Enum):
    """The systems whose environments are told apart; values are Python's `sys.platform`."""

    LINUX = "linux"
    MACOS = "darwin"
    WINDOWS = "win32"

    @property
    def shown(self) -> str:
        """The name for a person."""
        return {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}[self.value]

    @property
    def uname(self) -> str:
        """What `uname -s` says there."""
        return {"linux": "Linux", "darwin": "Darwin", "win32": "Windows_NT"}[self.value]


class Libc(enum.Enum):
    """The C library of a Linux environment."""

    GLIBC = "glibc"
    MUSL = "musl"


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of processor with its ABI."""

    name: str
    """What `uname -m` says there under Linux."""
    bits: int
    """Width of an address in bits."""
    byteorder: str
    """`little` or `big`, as in `sys.byteorder`."""
    aliases: tuple[tuple[OperatingSystem, str], ...] = ()
    """The names that other systems give it, where they differ."""

    runs_on: tuple[str, ...] = ()
    """What `uname -m` says on other machines that run its programs, where the system has the libraries."""

    def name_on(self, system: OperatingSystem) -> str:
        """What `system` calls the machine, as `platform.machine()` says there."""
        return next((name for other, name in self.aliases if other is system), self.name)


@dataclass(frozen=True, slots=True)
class Platform:
    """What a binary runs on."""

    system: OperatingSystem
    machines: tuple[Machine, ...]
    """Several for a universal binary of macOS."""
    libc: Libc | None = None
    """None outside of Linux."""

    @property
    def machine_names(self) -> tuple[str, ...]:
        """The machines' names, as the system itself gives them: `arm64` on macOS, `aarch64` on Linux."""
        return tuple(machine.name_on(self.system) for machine in self.machines)

    @property
    def compatible_names(self) -> tuple[str, ...]:
        """What `uname -m` says on other machines that run the programs, too (macOS: by Rosetta)."""
        if self.system is OperatingSystem.MACOS:
            return tuple(AARCH64.name_on(self.system) for machine in self.machines if machine is X86_64)
        return tuple(name for machine in self.machines for name in machine.runs_on)

    @property
    def text(self) -> str:
        """`Linux on aarch64 (glibc)`."""
        libc = f" ({self.libc.value})" if self.libc else ""
        return f"{self.system.shown} on {' and '.join(self.machine_names)}{libc}"


X86_64 = Machine("x86_64", 64, "little", ((OperatingSystem.WINDOWS, "AMD64"),))
AARCH64 = Machine("aarch64", 64, "little", ((OperatingSystem.MACOS, "arm64"), (OperatingSystem.WINDOWS, "ARM64")))

MACHINES: tuple[Machine, ...] = (
    X86_64,
    Machine("i686", 32, "little", ((OperatingSystem.WINDOWS, "x86"),), ("x86_64",)),
    AARCH64,
    Machine("armv7l", 32, "little", runs_on=("armv8l", "aarch64")),
    Machine("ppc64le", 64, "little"),
    Machine("ppc64", 64, "big"),
    Machine("s390x", 64, "big"),
    Machine("riscv64", 64, "little"),
    Machine("loongarch64", 64, "little"),
)
"""The machines that are known by name (names: Linux's UTS_MACHINE)."""


def machine_named(name: str) -> Machine | None:
    """The machine that any system calls `name`; None for an unknown one."""
    for machine in MACHINES:
        if name == machine.name or any(name == alias for _, alias in machine.aliases):
            return machine
    return None


def this_platform() -> Platform | None:
    """The platform of the running Python; None where it is none that is known. Its libc is not told."""
    system = next((system for system in OperatingSystem if system.value == sys.platform), None)
    machine = machine_named(os.uname().machine)
    return Platform(system, (machine,)) if system and machine else None


def runs_here(wanted: Platform) -> bool:
    """Whether this machine starts programs of a platform by itself: the same system and machine."""
    here = this_platform()
    if here is None or wanted.system is not here.system:
        return False
    return any(machine in here.machines for machine in wanted.machines)
