"""Symbol versions of an ELF file against its source's: what is needed and defined, and the bytes of the records.

A library that is renamed keeps its record, with another name. One that is removed takes its record along, and symbols lose the
versions that nobody gives any more: the records that stay are then written one behind the other. Source: GNU symbol versioning.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.asked import Asked
from bundler.audit.readers.bytewise import read_range
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.elf.shift import Shift
from bundler.audit.readers.elf.symbols import symbol_versions
from bundler.audit.readers.facts import ElfFacts
from bundler.audit.readers.ranges import Range
from bundler.binaries.elf import constants as c

_SIDES = Sides("the source has", "the file has")
_WANTED = Sides("it should be", "the file has")
_LIBRARY = (4, 8)
"""Where a record (Elf_Verneed) names its library: in all classes."""
_Version = tuple[str, tuple[object, ...]]
_SIZE = 16  # of a record, and of a version in it


def version_differences(source: ElfFacts, changed: ElfFacts, asked: Asked) -> Iterator[Difference]:
    """What is needed and defined, and the tags that tell where it stands."""
    yield from _SIDES.differ("versions defined", source.definitions, changed.definitions)
    wanted = _wanted(source, changed, asked)
    found: list[_Version] = [(need.library, version[:4]) for need in changed.needs for version in need.versions]
    if asked.versions:
        rest = iter(wanted)
        wanted = found if all(each in rest for each in found) else wanted
    yield from _WANTED.differ("versions needed", wanted, found)
    if not asked.loses_versions:
        return  # the tags are compared with all others
    for tag, name in ((c.DT_VERNEED, "DT_VERNEED"), (c.DT_VERSYM, "DT_VERSYM")):
        if changed.entry(tag) is not None or changed.needs:
            yield from _SIDES.differ(name, source.entry(tag), changed.entry(tag))
    count = changed.entry(c.DT_VERNEEDNUM)
    yield from _WANTED.differ("DT_VERNEEDNUM", len(changed.needs), count or 0)


def _wanted(source: ElfFacts, changed: ElfFacts, asked: Asked) -> list[_Version]:
    """The versions needed as they should be: library and version."""
    needed = source.texts(c.DT_NEEDED)
    names = asked.renamed
    if names is None:
        names = dict(zip(needed, changed.texts(c.DT_NEEDED), strict=False))
    return [
        (names.get(need.library, need.library) if need.library in needed else need.library, version[:4])
        for need in source.needs
        if need.library not in asked.removed or need.library not in needed
        for version in need.versions
    ]


def changing_ranges(file: BinaryIO, source: ElfFacts, asked: Asked) -> Iterator[Range]:
    """The bytes of the source that hold versions and may change in place.

    The number in each record that names a library; all of the records, and the symbols' versions, where some may go.
    """
    if not asked.loses_versions:
        yield from ((need.start + _LIBRARY[0], need.start + _LIBRARY[1]) for need in source.needs)
        return
    if source.needs:
        yield _span(source)
    symbols = symbol_versions(file, source)
    yield from [symbols] if symbols is not None else []


def _span(facts: ElfFacts) -> Range:
    return min(need.start for need in facts.needs), max(need.end for need in facts.needs)


def byte_differences(
    files: tuple[BinaryIO, BinaryIO], source: ElfFacts, changed: ElfFacts, shift: Shift
) -> Iterator[Difference]:
    """Where versions may go: the records' bytes mean what was read of them and nothing else, and so do the symbols'."""
    if source.needs:
        start, end = _span(source)
        old, new = read_range(files[0], start, end), read_range(files[1], shift(start), shift(start) + end - start)
        rewritten = _encoded(changed).ljust(end - start, b"\0")
        if new != rewritten and _unnamed(new, source) != _unnamed(old, source):
            yield Difference("the records of needed versions", "they mean what was read", "the file has more in them")
    table = symbol_versions(files[0], source)
    if table is None:
        return
    order = source.byteorder
    start = shift(table[0])
    old, new = read_range(files[0], *table), read_range(files[1], start, start + table[1] - table[0])
    for at in range(0, len(old), 2):
        pair = int.from_bytes(old[at : at + 2], order), int.from_bytes(new[at : at + 2], order)
        if pair[1] not in (pair[0], c.VER_NDX_GLOBAL):
            what = f"the version of symbol {at // 2}"
            yield Difference(what, f"the source has number {pair[0]}", f"the file has {pair[1]}")
            return


def _unnamed(data: bytes, facts: ElfFacts) -> bytes:
    """The bytes of the records without the libraries' names."""
    masked, start = bytearray(data), _span(facts)[0]
    for need in facts.needs:
        masked[need.start - start + _LIBRARY[0] : need.start - start + _LIBRARY[1]] = bytes(4)
    return bytes(masked)


def _encoded(facts: ElfFacts) -> bytes:
    """The records as bytes, one behind the other."""
    order = "<" if facts.byteorder == "little" else ">"
    data = b""
    for number, need in enumerate(facts.needs):
        size = _SIZE * (1 + len(need.versions))
        data += struct.pack(
            order + "2H3I",
            1, len(need.versions), need.place, _SIZE, 0 if number == len(facts.needs) - 1 else size,
        )  # fmt: skip
        for index, version in enumerate(need.versions):
            step = 0 if index == len(need.versions) - 1 else _SIZE
            data += struct.pack(order + "I2H2I", version.hash, version.flags, version.number, version.place, step)
    return data
