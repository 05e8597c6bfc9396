"""What an interpreter's own file tells, before anything is run: its platform, or why it is no interpreter."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from bundler.binaries.elf import is_elf, read_image
from bundler.errors import BinaryFormatError, UnsupportedEnvironment
from bundler.platforms import ARM64, X86_64, Libc, Machine, OperatingSystem, Platform, machine_of
from bundler.sysroot import Sysroot

# Mach-O (mach-o/loader.h, mach-o/fat.h): magic numbers as they lie in a file, and CPU types.
_THIN = {b"\xcf\xfa\xed\xfe": "<", b"\xfe\xed\xfa\xcf": ">", b"\xce\xfa\xed\xfe": "<", b"\xfe\xed\xfa\xce": ">"}
_FAT = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}  # size in bytes of one slice's record
_CPU_TYPES = {0x01000007: X86_64, 0x0100000C: ARM64}
_MOST_SLICES = 16


def read_platform(path: str, shown: str) -> Platform:
    """The platform of the executable at `path`, called `shown` in errors.

    Raises UnsupportedEnvironment for a script, a damaged file, and for formats without an environment of ours.
    """
    with open(path, "rb") as file:
        head = file.read(4096)
        if head[:2] == b"#!":
            raise UnsupportedEnvironment(
                f"{shown} is a script, not an interpreter", "name the installation that the script starts"
            )
        if head[:4] in _THIN or head[:4] in _FAT:
            return Platform(OperatingSystem.MACOS, tuple(_mach_o_machines(head)))
        if not is_elf(head):
            raise UnsupportedEnvironment(f"{shown} is not an ELF executable, nor one of macOS")
        try:
            image = read_image(file)
        except BinaryFormatError as error:
            raise UnsupportedEnvironment(f"{shown} is a damaged ELF executable: {error.message}") from error
    machine = machine_of(image.machine, image.elf_class.bits, image.byteorder)
    musl = "ld-musl" in (image.interpreter or "") or any(name.startswith("libc.musl") for name in image.needed)
    return Platform(OperatingSystem.LINUX, (machine,), Libc.MUSL if musl or "libc.so" in image.needed else Libc.GLIBC)


def _mach_o_machines(head: bytes) -> list[Machine]:
    """The machines of a thin or universal executable, in the file's order."""
    order = _THIN.get(head[:4])
    if order is not None:
        return [_of_cpu(struct.unpack_from(f"{order}I", head.ljust(8, b"\0"), 4)[0])]
    size = _FAT[head[:4]]
    count = int.from_bytes(head[4:8], "big")
    starts = [8 + size * number for number in range(min(count, _MOST_SLICES))]
    return [_of_cpu(int.from_bytes(head[start : start + 4], "big")) for start in starts]


def _of_cpu(cpu_type: int) -> Machine:
    return _CPU_TYPES.get(cpu_type, Machine(f"CPU type {cpu_type:#x}", 0, 64, "little"))


def real_executable(sysroot: Sysroot, base_prefix: str, names: Sequence[str], otherwise: str) -> str:
    """The base's executable, all links followed; `names` are its versioned ones, `otherwise` what runs the environment.

    A venv made with copies holds one of its own, so the base's is looked for first.
    """
    for name in (*names, "python3", "python"):
        candidate = sysroot.real(os.path.join(base_prefix, "bin", name))
        if os.path.isfile(candidate) and not _is_script(candidate):
            return candidate
    return sysroot.real(otherwise)


def _is_script(path: str) -> bool:
    """Whether a file begins with a shebang: version managers put shell scripts under a python's name."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"
