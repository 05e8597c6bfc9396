"""The platform for which a PE file is built."""

from __future__ import annotations

from bundler.binaries.pe import constants as c
from bundler.binaries.pe.headers import Headers
from bundler.platforms import MACHINES, Machine, OperatingSystem, Platform

_NUMBERS = {
    "x86_64": c.IMAGE_FILE_MACHINE_AMD64,
    "i686": c.IMAGE_FILE_MACHINE_I386,
    "aarch64": c.IMAGE_FILE_MACHINE_ARM64,
    "armv7l": c.IMAGE_FILE_MACHINE_ARMNT,
}
"""IMAGE_FILE_MACHINE_… by the names of `platforms.MACHINES`."""


def platform_of(headers: Headers) -> Platform:
    """Windows with the file's machine; one without a name is called `machine 0x1c0`."""
    for machine in MACHINES:
        if _NUMBERS.get(machine.name) == headers.machine:
            return Platform(OperatingSystem.WINDOWS, (machine,))
    unknown = Machine(f"machine {headers.machine:#x}", headers.layout.bits, "little")
    return Platform(OperatingSystem.WINDOWS, (unknown,))
