"""Symbol versions: what a file needs of its libraries (DT_VERNEED), and where their names stand.

Source: GNU symbol versioning. `next` and `aux` count from the current record, not from the table's start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image, read_string, string_table
from bundler.binaries.elf.structs import Layout, Vernaux, Verneed
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.machine import os

T = TypeVar("T")

# A version's index has 15 bits: more records than that are a mistake, or an attack on our time.
_MOST_RECORDS = 0x7FFF


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """A version that a file needs, as in `libc.so.6` and `GLIBC_2.34`."""

    library: str
    version: str

    @property
    def order(self) -> tuple[str, tuple[tuple[int, str], ...]]:
        """For sorting: by library, and 2.9 before 2.10."""
        parts = re.findall(r"[0-9]+|[^0-9]+", self.version)
        return self.library, tuple((len(part.lstrip("0")) if part[0] in "0123456789" else -1, part) for part in parts)


@dataclass(frozen=True, slots=True)
class NeedRecord:
    """One Elf_Verneed with its Elf_Vernaux."""

    offset: int
    """File offset of the Elf_Verneed."""
    need: Verneed
    versions: tuple[Vernaux, ...]
    end: int
    """File offset behind the last Elf_Vernaux."""


def version_needs(file: BinaryIO, image: Image) -> tuple[VersionNeed, ...]:
    """The versions that the file needs, in the file's order.

    Raises BinaryFormatError where the records leave the file or do not end.
    """
    records = tuple(need_records(file, image))
    if not records:
        return ()
    offset, size = string_table(image.segments, image.numbers)

    def text(index: int) -> str:
        if index >= size:
            raise BinaryFormatError(f"string index {index} leaves the string table of {size} bytes")
        return os.fsdecode(read_string(file, offset + index, offset + size))

    return tuple(
        VersionNeed(library, text(version.name))
        for record in records
        for library in (text(record.need.file),)
        for version in record.versions
    )


def need_records(file: BinaryIO, image: Image) -> Iterator[NeedRecord]:
    """The records of DT_VERNEED, DT_VERNEEDNUM of them."""
    layouts = image.structures
    count = image.entry(c.DT_VERNEEDNUM) or 0
    total = 0
    for offset, need in _chain(file, image, image.entry(c.DT_VERNEED), count, layouts.verneed):
        first = image.entry(c.DT_VERNEED) or 0
        address = first + offset + need.aux
        total += 1 + need.cnt
        if total > _MOST_RECORDS:
            raise BinaryFormatError(f"more than {_MOST_RECORDS} needed versions")
        found = tuple(_chain(file, image, address, need.cnt, layouts.vernaux))
        place = image.offset_of(first + offset, layouts.verneed.size)
        assert place is not None
        behind = max((need.aux + distance for distance, _ in found), default=0) + layouts.vernaux.size
        yield NeedRecord(place, need, tuple(aux for _, aux in found), place + max(behind, layouts.verneed.size))


def definition_names(file: BinaryIO, image: Image) -> Iterator[int]:
    """The string indices of the versions that the file defines (DT_VERDEF)."""
    layouts = image.structures
    first = image.entry(c.DT_VERDEF)
    total = 0
    for offset, verdef in _chain(file, image, first, image.entry(c.DT_VERDEFNUM) or 0, layouts.verdef):
        address = (first or 0) + offset + verdef.aux
        total += 1 + verdef.cnt
        if total > _MOST_RECORDS:
            raise BinaryFormatError(f"more than {_MOST_RECORDS} defined versions")
        for _, aux in _chain(file, image, address, verdef.cnt, layouts.verdaux):
            yield aux.name


def _chain(file: BinaryIO, image: Image, address: int | None, count: int, layout: Layout[T]) -> Iterator[tuple[int, T]]:
    """The records of a chain, each with its distance in bytes from `address`, at most `count`."""
    if address is None:
        return
    distance = 0
    for _ in range(count):
        offset = image.offset_of(address + distance, layout.size)
        if offset is None:
            raise BinaryFormatError(f"a version record at address {address + distance:#x} is in no PT_LOAD")
        record = layout.read(read_at(file, offset, layout.size, "a version record"))
        yield distance, record
        step: int = record.next  # type: ignore[attr-defined]
        if step == 0:
            return
        distance += step
