"""ELF files damaged where it hurts: wrong numbers in headers and tables, tables one over the other, cuts, flipped bytes."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import IDENT_SIZE, read_header
from bundler.binaries.elf.structs import Layout, Structures

_SYMBOLS = 12
"""So many dynamic symbols, words of hash tables and words of other tables are open to damage."""


class Kind(Enum):
    """What becomes of a field."""

    EXTREME = "a number at the edge of its range"
    NEAR = "a few more or less than it was"
    OTHER = "the number of another field, which lays one table over another"
    SIZE = "about the size of the file"
    FLIP = "any bytes, anywhere"
    CUT = "the file ends here"


@dataclass(frozen=True)
class Damage:
    """One damage; `where` chooses the field (or place), `number` the value."""

    kind: Kind
    where: int
    number: int


@dataclass(frozen=True)
class Field:
    """A number in the file: its offset and its format (as of `struct`, with the byte order)."""

    offset: int
    format: str

    def get(self, data: bytes | bytearray) -> int:
        value: int = struct.unpack_from(self.format, data, self.offset)[0]
        return value

    def put(self, data: bytearray, value: int) -> None:
        """Write the low bits of `value`; not where the file has been cut."""
        size = struct.calcsize(self.format)
        if self.offset + size <= len(data):
            order = "little" if self.format[0] == "<" else "big"
            data[self.offset : self.offset + size] = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]


def damaged(original: bytes, damages: list[Damage]) -> bytes:
    """The file with all the damages, one after the other."""
    data, all_fields = bytearray(original), fields(original)
    for damage in damages:
        field = all_fields[damage.where % len(all_fields)]
        bits = 8 * struct.calcsize(field.format)
        match damage.kind:
            case Kind.EXTREME:
                edges = (
                    0,
                    1,
                    (1 << bits) - 1,
                    (1 << bits - 1) - 1,
                    1 << bits - 1,
                    1 << bits // 2,
                    0xFFFF,
                    (1 << bits) - 4096,
                )
                field.put(data, edges[damage.number % len(edges)])
            case Kind.NEAR:
                field.put(data, field.get(original) + damage.number % 129 - 64)
            case Kind.OTHER:
                field.put(data, all_fields[damage.number % len(all_fields)].get(original))
            case Kind.SIZE:
                field.put(data, len(original) + damage.number % 65 - 32)
            case Kind.FLIP:
                at = damage.where % len(original)
                data[at : at + 1] = bytes([damage.number % 256])
            case Kind.CUT:
                del data[damage.where % len(original) :]
    return bytes(data)


@functools.cache
def fields(data: bytes) -> tuple[Field, ...]:
    """Every number in headers and tables. Those of the headers and of .dynamic come up more often, being few."""
    image = read_image(io.BytesIO(data))
    layouts, header = read_header(io.BytesIO(data))
    weighted = list(_of(layouts, layouts.header, IDENT_SIZE)) * 8
    for number in range(header.phnum):
        weighted += list(_of(layouts, layouts.segment, header.phoff + number * layouts.segment.size)) * 4
    for number in range(header.shnum if header.shoff else 0):
        weighted += _of(layouts, layouts.section, header.shoff + number * layouts.section.size)
    place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
    for number in range(place.filesz // layouts.dynamic.size):
        weighted += list(_of(layouts, layouts.dynamic, place.offset + number * layouts.dynamic.size)) * 4
    weighted += _tables(image, layouts)
    if image.stub is not None:  # its parameters, as words
        weighted += [Field(image.stub.offset + at, layouts.word.format) for at in range(0, 40, 4)] * 16
    return tuple(field for field in weighted if field.offset + struct.calcsize(field.format) <= len(data))


def _tables(image: Image, layouts: Structures) -> Iterator[Field]:
    """The first words of tables that the loader reads, versions as words among them."""
    for tag in (c.DT_VERNEED, c.DT_VERDEF, c.DT_GNU_HASH, c.DT_HASH, c.DT_SYMTAB, c.DT_VERSYM):
        address = image.entry(tag)
        offset = None if address is None else image.offset_of(address)
        if offset is not None:
            for number in range(_SYMBOLS):
                yield Field(offset + number * 4, layouts.word.format)
                yield Field(offset + number * 2, layouts.half.format)


def _of(layouts: Structures, layout: Layout[Any], offset: int) -> Iterator[Field]:
    """The fields of a structure at an offset."""
    order = layouts.word.format[0]
    for code, position in zip(layout.codec.format[1:], layout.positions, strict=True):
        yield Field(offset + position, order + code.upper())
