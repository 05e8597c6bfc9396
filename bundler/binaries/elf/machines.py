"""The platform for which an ELF file is built. Source of the numbers: elf.h."""

from __future__ import annotations

import re

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image
from bundler.platforms import MACHINES, Libc, Machine, OperatingSystem, Platform

_NUMBERS = {
    "x86_64": c.EM_X86_64,
    "i686": c.EM_386,
    "aarch64": c.EM_AARCH64,
    "armv7l": c.EM_ARM,
    "ppc64le": c.EM_PPC64,
    "ppc64": c.EM_PPC64,
    "s390x": c.EM_S390,
    "riscv64": c.EM_RISCV,
    "loongarch64": c.EM_LOONGARCH,
}
"""e_machine by the names of `platforms.MACHINES`."""
# Loaders, and libc itself: Debian's musl is called libc.so, Alpine's libc.musl-x86_64.so.1.
_MUSL = re.compile(r"ld-musl-.+|libc\.musl.+|libc\.so")
_GLIBC = re.compile(r"ld-linux.+|ld64\.so\.\d|ld\.so\.1|libc\.so\.6(\.\d)?")


def machine_of(image: Image) -> Machine:
    """The machine for which the file is built; one without a name is called `machine 4711`."""
    found = image.machine, image.elf_class.bits, image.byteorder
    for machine in MACHINES:
        if (_NUMBERS.get(machine.name), machine.bits, machine.byteorder) == found:
            return machine
    return Machine(f"machine {image.machine}", image.elf_class.bits, image.byteorder)


def platform_of(image: Image) -> Platform:
    """The platform for which the file is built: Linux, its machine, and the libc that it asks for; glibc where it names none."""
    return Platform(OperatingSystem.LINUX, (machine_of(image),), libc_of(image) or Libc.GLIBC)


def names_glibc(image: Image) -> bool:
    """Whether the file asks for glibc by name."""
    return libc_of(image) is Libc.GLIBC


def libc_of(image: Image) -> Libc | None:
    """The libc that the file names: by the loader that starts it, else by what it needs; None where it names none."""
    for name in ((image.interpreter or "").rpartition("/")[2], *image.needed):
        if _MUSL.fullmatch(name):
            return Libc.MUSL
        if _GLIBC.fullmatch(name):
            return Libc.GLIBC
    return None
