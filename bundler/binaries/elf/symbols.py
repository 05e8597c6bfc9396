"""Dynamic symbols that a file asks others for (DT_SYMTAB), and the versions that it asks for with them (DT_VERSYM).

Source: gABI 5, "Symbol Table"; GNU symbol versioning. Section headers are not read: the loader does not know them.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, read_string, string_table
from bundler.binaries.reading import read_at
from bundler.machine import os

_MOST = 1 << 20  # symbols that are looked at
_WEAK = 2


class UndefinedSymbol(NamedTuple):
    """A symbol that the file asks others for."""

    name: str
    version: int
    """The index of its version among those that the file needs; 0 or 1 for none."""
    is_weak: bool
    """Whether the file does without."""


def undefined_symbols(file: BinaryIO, image: Image) -> tuple[UndefinedSymbol, ...]:
    """Those of the seekable `file`, in its order; none where nothing tells how many symbols there are.

    Raises BinaryFormatError where a table leaves the file.
    """
    address, count = image.entry(c.DT_SYMTAB), min(_symbols_ahead(file, image), _MOST)
    layout = image.structures.symbol
    offset = image.offset_of(address, count * layout.size) if address is not None and count else None
    if offset is None:
        return ()
    data = read_at(file, offset, count * layout.size, "the dynamic symbol table")
    versions = _versions(file, image, count)
    start, size = string_table(image.segments, image.numbers)
    found = []
    for number, symbol in enumerate(layout.read_all(data)):
        if symbol.shndx == c.SHN_UNDEF and 0 < symbol.name < size:
            name = os.fsdecode(read_string(file, start + symbol.name, start + size))
            version = versions[number] & c.VERSYM_INDEX if versions else 0
            found.append(UndefinedSymbol(name, version, symbol.info >> 4 == _WEAK))
    return tuple(found)


def _symbols_ahead(file: BinaryIO, image: Image) -> int:
    """How many symbols there are at least, all undefined ones among them: a table by DT_GNU_HASH has these in front."""
    if (address := image.entry(c.DT_GNU_HASH)) is not None:
        head = hash_words(file, image, address, 4)
        if head is not None:
            buckets, first, bloom, _ = head
            starts = hash_words(file, image, address + 16 + bloom * image.structures.address.size, min(buckets, _MOST))
            if starts is not None and any(starts):
                return first
    if (address := image.entry(c.DT_HASH)) is not None and image.machine_name not in ("alpha", "s390x"):
        words = hash_words(file, image, address, 2)
        if words is not None:
            return words[1]
    return _symbols_before_next_table(image)


_TABLES = (c.DT_STRTAB, c.DT_VERSYM, c.DT_VERNEED, c.DT_VERDEF, c.DT_GNU_HASH, c.DT_HASH)


def _symbols_before_next_table(image: Image) -> int:
    """How many have room before the table that follows: for a program that exports nothing, of which no hash table tells."""
    first = image.entry(c.DT_SYMTAB) or 0
    behind = [address for tag in _TABLES if (address := image.entry(tag)) is not None and address > first]
    return (min(behind) - first) // image.structures.symbol.size if behind else 0


def _versions(file: BinaryIO, image: Image, count: int) -> tuple[int, ...]:
    """DT_VERSYM's first `count` numbers; none where the file has none."""
    address = image.entry(c.DT_VERSYM)
    offset = image.offset_of(address, 2 * count) if address is not None else None
    if offset is None:
        return ()
    data = read_at(file, offset, 2 * count, "the symbols' versions")
    return tuple(int.from_bytes(data[at : at + 2], image.byteorder) for at in range(0, 2 * count, 2))


def hash_words(file: BinaryIO, image: Image, address: int, count: int) -> tuple[int, ...] | None:
    """`count` 32-bit numbers of a hash table at `address`; None where they are not in the file."""
    offset = image.offset_of(address, 4 * count)
    if offset is None:
        return None
    data = read_at(file, offset, 4 * count, "a hash table")
    return tuple(word for (word,) in image.structures.word.iter_unpack(data))
