"""What a file says of the processor that it needs (`.note.gnu.property`). Source: x86-64 psABI, "Program Property"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image

_GNU, _NT_GNU_PROPERTY_TYPE_0 = b"GNU", 5
_X86_ISA_1_NEEDED = 0xC0008002


class Property(NamedTuple):
    """One property: its type, and its data."""

    type: int
    data: bytes


def properties(image: Image) -> Iterator[Property]:
    """The GNU properties of the file of which `image` was read; what is damaged ends them."""
    word, unit = image.structures.word, 4 * image.elf_class.value
    for note in image.notes:
        if (note.owner, note.type) != (_GNU, _NT_GNU_PROPERTY_TYPE_0):
            continue
        at, data = 0, note.description
        while at + 8 <= len(data):
            (type_,), (size,) = word.unpack_from(data, at), word.unpack_from(data, at + 4)
            at += 8
            if at + size > len(data):
                break
            yield Property(type_, data[at : at + size])
            at += -(-size // unit) * unit


def cpu_level(image: Image) -> int:
    """The level of x86 processors that the file needs: 2 is x86-64-v2; 1, which all have, where it says nothing."""
    if image.machine not in (c.EM_386, c.EM_X86_64):
        return 1
    needed = 0
    for each in properties(image):
        if each.type == _X86_ISA_1_NEEDED and len(each.data) == image.structures.word.size:
            needed |= image.structures.word.unpack(each.data)[0]
    return max(1, needed.bit_length())


def level_name(level: int) -> str:
    """The name of a level above the first: `x86-64-v3`."""
    return f"x86-64-v{level}"
