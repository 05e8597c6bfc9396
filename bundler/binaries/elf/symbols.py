"""The dynamic symbols of a file, by their names: which it defines, and which it takes from others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, string_table
from bundler.binaries.elf.references import symbol_count
from bundler.binaries.elf.sections import SectionTable
from bundler.binaries.reading import read_at

_SHN_UNDEF, _STB_WEAK = 0, 2
_NO_SECTIONS = SectionTable(0, ())


class DynamicSymbol(NamedTuple):
    """A symbol as the loader sees it."""

    name: bytes
    is_defined: bool
    is_weak: bool
    """Whether the file does without it, where nobody defines it."""


def dynamic_symbols(file: BinaryIO, image: Image) -> Iterator[DynamicSymbol]:
    """All of them, in their order; none where no hash table tells how many there are.

    Raises BinaryFormatError where the tables leave the file.
    """
    symbols = image.entry(c.DT_SYMTAB)
    count = None if symbols is None else symbol_count(file, image, _NO_SECTIONS, symbols)
    if symbols is None or count is None:
        return
    layout = image.structures.symbol
    offset = image.offset_of(symbols, count * layout.size)
    if offset is None:
        return
    place, size = string_table(image.segments, image.numbers)
    names = read_at(file, place, size, "the dynamic string table")
    for symbol in layout.read_all(read_at(file, offset, count * layout.size, "the dynamic symbol table")):
        end = names.find(b"\0", symbol.name)
        name = names[symbol.name : end if end >= 0 else None]
        yield DynamicSymbol(name, symbol.shndx != _SHN_UNDEF, symbol.info >> 4 == _STB_WEAK)
