"""How Mach-O lays out its structures, for each size of pointers and each byte order."""

from __future__ import annotations

import functools
import struct
from dataclasses import dataclass
from typing import Literal

from bundler.binaries.macho import constants as c

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Structures:
    """The layouts of one kind of Mach-O."""

    bits: int
    """Width of an address: 32 or 64."""
    byteorder: ByteOrder
    header: struct.Struct
    """magic, cputype, cpusubtype, filetype, ncmds, sizeofcmds, flags (and a reserved word)."""
    segment: struct.Struct
    """cmd, cmdsize, segname, vmaddr, vmsize, fileoff, filesize, maxprot, initprot, nsects, flags."""
    section: struct.Struct
    """sectname, segname, addr, size, offset, align, reloff, nreloc, flags, reserved words."""
    linkedit_data: struct.Struct
    """cmd, cmdsize, dataoff, datasize."""

    @property
    def alignment(self) -> int:
        """What the size of a load command is a multiple of, in bytes."""
        return self.bits // 8

    def word(self, data: bytes, offset: int) -> int:
        """The 32-bit number at `offset`."""
        return int.from_bytes(data[offset : offset + 4], self.byteorder)

    def pack_words(self, *numbers: int) -> bytes:
        """32-bit numbers, one behind the other."""
        return b"".join(number.to_bytes(4, self.byteorder) for number in numbers)


@functools.cache
def structures(bits: int, byteorder: ByteOrder) -> Structures:
    """The layouts for pointers of `bits` (32 or 64) in a byte order."""
    order = "<" if byteorder == "little" else ">"
    wide = bits == 64
    return Structures(
        bits=bits,
        byteorder=byteorder,
        header=struct.Struct(order + ("8I" if wide else "7I")),
        segment=struct.Struct(order + ("2I16s4Q4I" if wide else "2I16s4I4I")),
        section=struct.Struct(order + ("16s16s2Q8I" if wide else "16s16s2I7I")),
        linkedit_data=struct.Struct(order + "4I"),
    )


_THIN = {
    c.MH_MAGIC.to_bytes(4, "big"): structures(32, "big"),
    c.MH_MAGIC.to_bytes(4, "little"): structures(32, "little"),
    c.MH_MAGIC_64.to_bytes(4, "big"): structures(64, "big"),
    c.MH_MAGIC_64.to_bytes(4, "little"): structures(64, "little"),
}


def thin_structures(magic: bytes) -> Structures | None:
    """The layouts of a file (or a slice) that begins with the 4 bytes `magic`; None where it is no thin Mach-O file."""
    return _THIN.get(magic)


FAT_HEADER = struct.Struct(">2I")
FAT_ARCH = struct.Struct(">5I")
FAT_ARCH_64 = struct.Struct(">2I2Q2I")
