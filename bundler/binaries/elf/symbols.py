"""Dynamic symbols of a file (DT_SYMTAB), those that it asks others for among them, and the versions of these (DT_VERSYM).

Source: gABI 5, "Symbol Table"; GNU symbol versioning. Section headers are not read: the loader does not know them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import BinaryIO, NamedTuple

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, read_string, string_table
from bundler.binaries.format import Functions
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

_MOST = 1 << 20  # symbols that are looked at
_MOST_BUCKETS = 1 << 22
_LONGEST_CHAIN = 1 << 16
_LONGEST_NAME = 1 << 16
_MOST_TEXT = 1 << 26  # bytes of all names together: a damaged table may name one long string many times
_WEAK = 2


class UndefinedSymbol(NamedTuple):
    """A symbol that the file asks others for."""

    name: str
    version: int
    """The index of its version among those that the file needs; 0 or 1 for none."""
    is_weak: bool
    """Whether the file does without."""


class DynamicSymbol(NamedTuple):
    """A symbol as the loader sees it."""

    name: bytes
    is_defined: bool
    is_weak: bool
    """Whether the file does without it, where nobody defines it."""


def dynamic_symbols(file: BinaryIO, image: Image) -> Iterator[DynamicSymbol]:
    """All of the seekable `file`, in their order; none where nothing tells how many there are.

    Raises BinaryFormatError where the tables leave the file.
    """
    address, count = image.entry(c.DT_SYMTAB), min(_symbol_count(file, image), _MOST)
    layout = image.structures.symbol
    offset = image.offset_of(address, count * layout.size) if address is not None and count else None
    if offset is None:
        return
    place, size = string_table(image.segments, image.numbers)
    names = read_at(file, place, size, "the dynamic string table")
    for symbol in layout.read_all(read_at(file, offset, count * layout.size, "the dynamic symbol table")):
        end = names.find(b"\0", symbol.name)
        name = names[symbol.name : end if end >= 0 else None]
        yield DynamicSymbol(name, symbol.shndx != c.SHN_UNDEF, symbol.info >> 4 == _WEAK)


def functions_among(file: BinaryIO, image: Image, names: Collection[bytes]) -> Functions:
    """Which of `names` the seekable `file` takes from others, not weakly, and which it has. Raises as `dynamic_symbols` does."""
    found = [symbol for symbol in dynamic_symbols(file, image) if symbol.name in names]
    return Functions(
        frozenset(symbol.name.decode() for symbol in found if not (symbol.is_defined or symbol.is_weak)),
        frozenset(symbol.name.decode() for symbol in found if symbol.is_defined),
    )


def undefined_symbols(file: BinaryIO, image: Image) -> tuple[UndefinedSymbol, ...]:
    """Those of the seekable `file`, in its order; none where nothing tells how many symbols there are.

    Raises BinaryFormatError where a table leaves the file, or is beyond all measure.
    """
    address, count = image.entry(c.DT_SYMTAB), min(_symbol_count(file, image), _MOST)
    layout = image.structures.symbol
    offset = image.offset_of(address, count * layout.size) if address is not None and count else None
    if offset is None:
        return ()
    data = read_at(file, offset, count * layout.size, "the dynamic symbol table")
    versions = _versions(file, image, count)
    start, size = string_table(image.segments, image.numbers)
    found, text = [], 0
    section, index, info = (layout.names.index(field) for field in ("shndx", "name", "info"))
    # Most symbols of a large table are defined: no record is made of those.
    for number, fields in enumerate(layout.codec.iter_unpack(data)):
        if fields[section] == c.SHN_UNDEF and 0 < fields[index] < size:
            place = start + fields[index]
            name = os.fsdecode(read_string(file, place, min(start + size, place + _LONGEST_NAME)))
            text += len(name)
            if text > _MOST_TEXT:
                raise BinaryFormatError(f"the names of undefined symbols have more than {_MOST_TEXT} bytes")
            version = int.from_bytes(versions[2 * number : 2 * number + 2], image.byteorder) & c.VERSYM_INDEX
            found.append(UndefinedSymbol(name, version, fields[info] >> 4 == _WEAK))
    return tuple(found)


def _symbol_count(file: BinaryIO, image: Image) -> int:
    """How many symbols there are, as far as a hash table tells, or the room for them."""
    if (address := image.entry(c.DT_HASH)) is not None and image.machine_name not in ("alpha", "s390x"):
        words = hash_words(file, image, address, 2)
        if words is not None:
            return words[1]
    if (address := image.entry(c.DT_GNU_HASH)) is not None:
        count = count_by_gnu_hash(file, image, address)
        if count is not None:
            return count
    return _symbols_before_next_table(image)


def count_by_gnu_hash(file: BinaryIO, image: Image, address: int) -> int | None:
    """One more than the last symbol of the last chain; None for an empty table, which says nothing, and one beyond all measure."""
    head = hash_words(file, image, address, 4)
    if head is None or head[0] > _MOST_BUCKETS:
        return None
    buckets, first, bloom, _ = head
    start = address + 16 + bloom * image.structures.address.size
    starts = hash_words(file, image, start, buckets)
    last = max(starts, default=0) if starts is not None else 0
    if last < first or last == 0:
        return None
    chains = start + 4 * buckets
    for _ in range(_LONGEST_CHAIN):
        word = hash_words(file, image, chains + 4 * (last - first), 1)
        if word is None:
            break
        last += 1
        if word[0] & 1:
            return last
    return None


_TABLES = (c.DT_STRTAB, c.DT_VERSYM, c.DT_VERNEED, c.DT_VERDEF, c.DT_GNU_HASH, c.DT_HASH)


def _symbols_before_next_table(image: Image) -> int:
    """How many have room before the table that follows: for a program that exports nothing, of which no hash table tells."""
    first = image.entry(c.DT_SYMTAB) or 0
    behind = [address for tag in _TABLES if (address := image.entry(tag)) is not None and address > first]
    return (min(behind) - first) // image.structures.symbol.size if behind else 0


def _versions(file: BinaryIO, image: Image, count: int) -> bytes:
    """DT_VERSYM's first `count` numbers of two bytes; nothing where the file has none."""
    address = image.entry(c.DT_VERSYM)
    offset = image.offset_of(address, 2 * count) if address is not None else None
    return b"" if offset is None else read_at(file, offset, 2 * count, "the symbols' versions")


def hash_words(file: BinaryIO, image: Image, address: int, count: int) -> tuple[int, ...] | None:
    """`count` 32-bit numbers of a hash table at `address`; None where they are not in the file."""
    offset = image.offset_of(address, 4 * count)
    if offset is None:
        return None
    data = read_at(file, offset, 4 * count, "a hash table")
    return tuple(word for (word,) in image.structures.word.iter_unpack(data))
