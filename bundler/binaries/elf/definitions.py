"""Whether a file defines a dynamic symbol. Its hash table is asked as the loader asks it: the cost does not depend on its size.

Source: glibc's elf/dl-lookup.c; "GNU Hash ELF Sections" (the description of DT_GNU_HASH); gABI 5, "Hash Table".
"""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, read_string, string_table
from bundler.binaries.elf.symbols import hash_words
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

_BLOCK = 16  # words of a chain that are read at once
_MOST = 1 << 16  # symbols of a chain that are looked at


class Definitions:
    """The dynamic symbols of the seekable `file`, of which `image` was read. Damaged tables define nothing."""

    def __init__(self, file: BinaryIO, image: Image) -> None:
        self._file = file
        self._image = image
        self._gnu = self._head(c.DT_GNU_HASH, 4)
        self._plain = self._head(c.DT_HASH, 2) if self._gnu is None else None

    def defines(self, name: str) -> bool:
        """Whether it has a symbol of this name for others, in whichever version."""
        wanted = os.fsencode(name)
        try:
            if self._gnu is not None:
                return self._by_gnu_hash(wanted, self._gnu)
            return self._plain is not None and self._by_plain_hash(wanted, self._plain)
        except BinaryFormatError:
            return False

    def _head(self, tag: int, count: int) -> tuple[int, ...] | None:
        address = self._image.entry(tag)
        try:
            return None if address is None else hash_words(self._file, self._image, address, count)
        except BinaryFormatError:
            return None

    def _by_gnu_hash(self, name: bytes, head: tuple[int, ...]) -> bool:
        buckets, first, bloom, shift = head
        if not buckets or not bloom:
            return False
        hashed, bits = _gnu_hash(name), self._image.elf_class.bits
        start = (self._image.entry(c.DT_GNU_HASH) or 0) + 16
        size = self._image.structures.address.size
        word = self._number(start + (hashed // bits) % bloom * size, size)
        if not word >> (hashed % bits) & 1 or not word >> ((hashed >> shift) % bits) & 1:
            return False
        table = start + bloom * size
        number = self._number(table + hashed % buckets * 4, 4)
        chains = table + 4 * buckets - 4 * first
        for at in range(number, number + _MOST, _BLOCK) if number >= first else ():
            for index, value in enumerate(self._chain(chains + 4 * at), at):
                if (value ^ hashed) >> 1 == 0 and self._is_defined(index, name):
                    return True
                if value & 1:
                    return False
        return False

    def _by_plain_hash(self, name: bytes, head: tuple[int, ...]) -> bool:
        buckets, count = head
        start = (self._image.entry(c.DT_HASH) or 0) + 8
        index = self._number(start + _plain_hash(name) % buckets * 4, 4) if buckets else 0
        for _ in range(min(count, _MOST)):
            if not index:
                break
            if self._is_defined(index, name):
                return True
            index = self._number(start + 4 * (buckets + index), 4)
        return False

    def _chain(self, address: int) -> tuple[int, ...]:
        """Words of a chain from `address` on, as many as there are at most."""
        for count in (_BLOCK, 1):
            words = hash_words(self._file, self._image, address, count)
            if words is not None:
                return words
        raise BinaryFormatError("a chain of the hash table leaves the file")

    def _number(self, address: int, size: int) -> int:
        offset = self._image.offset_of(address, size)
        if offset is None:
            raise BinaryFormatError("a hash table leaves the file")
        return int.from_bytes(read_at(self._file, offset, size, "a hash table"), self._image.byteorder)

    def _is_defined(self, index: int, name: bytes) -> bool:
        layout = self._image.structures.symbol
        offset = self._image.offset_of((self._image.entry(c.DT_SYMTAB) or 0) + index * layout.size, layout.size)
        if offset is None:
            return False
        symbol = layout.read(read_at(self._file, offset, layout.size, "a symbol"))
        if symbol.shndx == c.SHN_UNDEF:
            return False
        start, size = string_table(self._image.segments, self._image.numbers)
        return symbol.name < size and read_string(self._file, start + symbol.name, start + size) == name


def _gnu_hash(name: bytes) -> int:
    value = 5381
    for byte in name:
        value = (value * 33 + byte) & 0xFFFFFFFF
    return value


def _plain_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
    return value
