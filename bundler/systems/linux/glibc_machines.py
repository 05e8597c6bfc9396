"""What glibc's loader has compiled in for each machine: its folders, what its tokens stand for, its mark in the cache.

Sources: glibc's sysdeps/unix/sysv/linux/*/configure (slibdir), sysdeps/generic/ldconfig.h and sysdeps/*/dl-cache.h (flags), each
machine's dl-procinfo and cpu features ($PLATFORM, AT_PLATFORM); Debian's MultiarchTuples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bundler.platforms import Machine

_ELF_LIBC6 = 0x0003


@dataclass(frozen=True, slots=True)
class GlibcMachine:
    """One machine's loader.

    `multiarch` are Debian's names of its library folders, `folders` the upstream ones below `/` and `/usr`, nearest first;
    `platforms` what $PLATFORM may stand for, which is decided by the processor; `cache_flags` those of its entries in
    `ld.so.cache`, written in its `byteorder`.
    """

    multiarch: tuple[str, ...]
    folders: tuple[str, ...]
    platforms: tuple[str, ...]
    cache_flags: frozenset[int]
    byteorder: Literal["little", "big"]

    @property
    def default_directories(self) -> tuple[str, ...]:
        """The folders that are searched last, Debian's first: no system has both."""
        folders = [*(f"lib/{name}" for name in self.multiarch), *self.folders]
        return tuple(f"{prefix}/{folder}" for folder in folders for prefix in ("", "/usr"))

    @property
    def lib(self) -> tuple[str, ...]:
        """What $LIB may stand for."""
        return (*(f"lib/{name}" for name in self.multiarch), self.folders[0])


# By the names of `platforms.MACHINES`: Debian's folders, upstream's, $PLATFORM, the cache's own bits.
_TABLE: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[int, ...]]] = {
    "x86_64": (("x86_64-linux-gnu",), ("lib64", "lib"), ("x86_64", "haswell", "xeon_phi"), (0x0300,)),
    "i686": (("i386-linux-gnu",), ("lib",), ("i686", "i586", "i486", "i386"), (0,)),
    "aarch64": (("aarch64-linux-gnu",), ("lib64", "lib"), ("aarch64",), (0x0A00,)),
    # with and without floating point registers for arguments: one number, two ABIs, never on one system
    "armv7l": (
        ("arm-linux-gnueabihf", "arm-linux-gnueabi"),
        ("lib",),
        ("v7l", "v8l", "v6l", "v5l"),
        (0x0900, 0x0B00, 0),
    ),
    "ppc64le": (("powerpc64le-linux-gnu",), ("lib64", "lib"), ("power8", "power9", "power10", "power11"), (0x0500,)),
    "ppc64": (("powerpc64-linux-gnu",), ("lib64", "lib"), ("power4", "power7", "power8", "power9"), (0x0500,)),
    "s390x": (("s390x-linux-gnu",), ("lib64", "lib"), ("z900", "z13", "z14", "z15", "z16", "z17"), (0x0400,)),
    "riscv64": (("riscv64-linux-gnu",), ("lib64/lp64d", "lib64", "lib"), (), (0x1000, 0x0F00)),
    "loongarch64": (("loongarch64-linux-gnu",), ("lib64", "lib"), ("loongarch64",), (0x1200, 0x1100)),
}


def glibc_machine(machine: Machine) -> GlibcMachine:
    """The facts of a machine's loader; of one that is not known only what every glibc has."""
    unknown = ((), ("lib64", "lib") if machine.bits == 64 else ("lib",), (), (0,))
    multiarch, folders, platforms, flags = _TABLE.get(machine.name, unknown)
    order: Literal["little", "big"] = "little" if machine.byteorder == "little" else "big"
    return GlibcMachine(multiarch, folders, platforms, frozenset(_ELF_LIBC6 | flag for flag in flags), order)
