"""Who points into the dynamic string table, besides the dynamic section itself.

Linkers merge strings with equal tails: a symbol `lib` may be the end of a search path. So before bytes of the
table are overwritten, every index into it must be known.
"""

from __future__ import annotations

import sys
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.sections import SectionTable
from bundler.binaries.elf.structs import Layout, Symbol
from bundler.binaries.elf.symbols import count_by_gnu_hash, hash_words
from bundler.binaries.elf.versions import definition_names
from bundler.binaries.reading import read_at

_CHUNK = 1 << 16  # symbols read at a time
# Sections that may name the string table as theirs: all others would hold indices that we do not read.
_KNOWN_USERS = frozenset({c.SHT_DYNSYM, c.SHT_DYNAMIC, c.SHT_GNU_VERDEF, c.SHT_GNU_VERNEED})


def symbol_references(file: BinaryIO, image: Image, sections: SectionTable, shstrndx: int) -> list[int] | None:
    """The string indices of dynamic symbols and defined versions, unordered, with repetitions.

    None where they cannot be told: no count of symbols, or a use of the table that we do not know.
    """
    table = sections.find(c.SHT_STRTAB, image.entry(c.DT_STRTAB) or 0)
    if table is not None:
        if shstrndx == table:
            return None
        if any(section.link == table and section.type not in _KNOWN_USERS for section in sections.sections):
            return None
    found = symbol_names(file, image, sections)
    if found is None:
        return None
    found += definition_names(file, image)
    return found


def symbol_names(file: BinaryIO, image: Image, sections: SectionTable) -> list[int] | None:
    """The string index of each dynamic symbol's name, in the symbols' order; None where nothing tells their number."""
    symbols = image.entry(c.DT_SYMTAB)
    if symbols is None:
        return None
    count = symbol_count(file, image, sections, symbols)
    if count is None:
        return None
    layout = image.structures.symbol
    offset = image.offset_of(symbols, count * layout.size)
    if offset is None:
        return None
    found: list[int] = []
    for start in range(0, count, _CHUNK):
        part = min(_CHUNK, count - start)
        data = read_at(file, offset + start * layout.size, part * layout.size, "the dynamic symbol table")
        found += _names(data, layout, image.byteorder)
    return found


def _names(data: bytes, layout: Layout[Symbol], byteorder: str) -> list[int]:
    """The field st_name of each symbol."""
    if byteorder == sys.byteorder:  # st_name comes first: a strided view is five times as fast as unpacking
        return memoryview(data).cast("I")[:: layout.size // 4].tolist()
    return [name for (name,) in layout.only("name").iter_unpack(data)]


def symbol_count(file: BinaryIO, image: Image, sections: SectionTable, symbols: int) -> int | None:
    """How many dynamic symbols there are: by section header, else by a hash table."""
    number = sections.find(c.SHT_DYNSYM, symbols)
    if number is not None:
        return sections.sections[number].size // image.structures.symbol.size
    if (address := image.entry(c.DT_HASH)) is not None and image.machine_name not in ("alpha", "s390x"):
        words = hash_words(file, image, address, 2)
        if words is not None:
            return words[1]
    if (address := image.entry(c.DT_GNU_HASH)) is not None:
        return count_by_gnu_hash(file, image, address)
    return None
