"""The dynamic symbols of an ELF file: how many there are, which names they have, and which values may follow a moved part."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.bytewise import read_range
from bundler.audit.readers.elf.reading import symbol
from bundler.audit.readers.facts import ElfFacts, SectionFacts
from bundler.audit.readers.ranges import Range
from bundler.binaries.elf import constants as c

_CHUNK = 1 << 14  # symbols read at a time
_MOST_BUCKETS = 1 << 24
_OTHER_HASH = frozenset({c.EM_S390, 0x9026})
"""Machines on which the words of DT_HASH have 64 bits (Alpha, s390x), or 32 where the linker did not know that."""


def symbol_size(facts: ElfFacts) -> int:
    """Size of an Elf_Sym in bytes."""
    return 24 if facts.bits == 64 else 16


def symbol_table(file: BinaryIO, facts: ElfFacts) -> Range | None:
    """The bytes of the dynamic symbol table; None where nothing tells how many symbols there are."""
    address = facts.entry(c.DT_SYMTAB)
    offset = None if address is None else facts.offset_of(address)
    if offset is None:
        return None
    place = next((each for each in facts.sections if each.type == c.SHT_DYNSYM and each.addr == address), None)
    size = symbol_size(facts)
    count = place.size // size if place is not None else _by_hash(file, facts)
    if count is None or offset + count * size > facts.size:
        return None
    return offset, offset + count * size


def symbol_versions(file: BinaryIO, facts: ElfFacts) -> Range | None:
    """The bytes of DT_VERSYM, one number of 16 bits for each dynamic symbol."""
    address, symbols = facts.entry(c.DT_VERSYM), symbol_table(file, facts)
    offset = None if address is None else facts.offset_of(address)
    if offset is None or symbols is None:
        return None
    return offset, offset + (symbols[1] - symbols[0]) // symbol_size(facts) * 2


def names_in(file: BinaryIO, facts: ElfFacts, wanted: Range) -> set[int] | None:
    """The indices in `wanted` at which names of dynamic symbols begin; None where the symbols cannot be counted."""
    table = symbol_table(file, facts)
    if table is None:
        return None
    size, found = symbol_size(facts), set[int]()
    low, high = wanted
    for start in range(table[0], table[1], _CHUNK * size):
        data = read_range(file, start, min(start + _CHUNK * size, table[1]))
        found.update(index for index in _first_words(data, size, facts) if low <= index < high)
    return found


def _first_words(data: bytes, step: int, facts: ElfFacts) -> list[int]:
    """The first 32 bits of every `step` bytes: st_name, in both classes."""
    if facts.byteorder == sys.byteorder:
        return memoryview(data).cast("I")[:: step // 4].tolist()
    order = "<" if facts.byteorder == "little" else ">"
    return [word for (word,) in struct.iter_unpack(f"{order}I{step - 4}x", data)]


def _by_hash(file: BinaryIO, facts: ElfFacts) -> int | None:
    """The number of symbols as a hash table tells it."""
    if (address := facts.entry(c.DT_HASH)) is not None and facts.header.machine not in _OTHER_HASH:
        words = _words(file, facts, address, 2)
        if words is not None:
            return words[1]
    address = facts.entry(c.DT_GNU_HASH)
    head = None if address is None else _words(file, facts, address, 4)
    if address is None or head is None:
        return None
    buckets, first, bloom, _ = head
    start = address + 16 + bloom * facts.bits // 8
    last = max(_words(file, facts, start, buckets) or (), default=0)
    if last < first or last == 0:
        return None
    chain = start + 4 * buckets + 4 * (last - first)
    while (word := _words(file, facts, chain, 1)) is not None:
        last += 1
        chain += 4
        if word[0] & 1:
            return last
    return None


def _words(file: BinaryIO, facts: ElfFacts, address: int, count: int) -> tuple[int, ...] | None:
    """`count` numbers of 32 bits at an address; None where the file does not have them."""
    offset = facts.offset_of(address)
    if offset is None or count > _MOST_BUCKETS or offset + 4 * count > facts.size:
        return None
    order = "<" if facts.byteorder == "little" else ">"
    return struct.unpack(f"{order}{count}I", read_range(file, offset, offset + 4 * count))


def followed(
    files: tuple[BinaryIO, BinaryIO], facts: tuple[ElfFacts, ElfFacts], place: Range, moved_to: int
) -> Iterator[Range]:
    """The bytes of the source in `place` that differ only because a symbol's value follows a part that moved.

    `moved_to` is where the changed file has the byte at the start of `place`. Symbols named _DYNAMIC follow the dynamic section,
    those of a section the section.
    """
    table = next(
        (
            each
            for each in facts[0].sections
            if each.type in (c.SHT_SYMTAB, c.SHT_DYNSYM) and each.offset <= place[0] < each.offset + each.size
        ),
        None,
    )
    if table is None:
        return
    size = symbol_size(facts[0])
    at = table.offset + (place[0] - table.offset) // size * size
    while at < place[1] and at + size <= table.offset + table.size:
        start = moved_to + at - place[0]
        old, new = read_range(files[0], at, at + size), read_range(files[1], start, start + size)
        if _follows(files[0], facts, table, (old, new)):
            yield at, at + size
        at += size


def _follows(
    file: BinaryIO, facts: tuple[ElfFacts, ElfFacts], table: SectionFacts, entries: tuple[bytes, bytes]
) -> bool:
    source, changed = facts
    old, new = (symbol(source, entry) for entry in entries)
    values = old.pop("st_value"), new.pop("st_value")
    if old != new:
        return False
    number = old["st_shndx"]
    if old["st_info"]["type"] == "STT_SECTION" and isinstance(number, int) and number < len(source.sections):
        return values == (source.sections[number].addr, changed.sections[number].addr)
    if source.dynamic_segment is None or changed.dynamic_segment is None or table.link >= len(source.sections):
        return False
    names = source.sections[table.link]
    start = names.offset + old["st_name"]
    named = start + 9 <= source.size and read_range(file, start, start + 9) == b"_DYNAMIC\0"
    return named and values == (source.dynamic_segment.vaddr, changed.dynamic_segment.vaddr)
