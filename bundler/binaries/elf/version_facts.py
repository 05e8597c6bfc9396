"""The versions of symbols that a file needs of others, and those that it defines, as values."""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.elf.image import Image, read_string, string_table
from bundler.binaries.elf.symbols import undefined_symbols
from bundler.binaries.elf.versions import definition_names, need_records
from bundler.binaries.format import NO_VERSIONS, NeededVersion, SymbolVersions
from bundler.errors import BinaryFormatError
from bundler.machine import os

_WEAK = 2  # VER_FLG_WEAK in vna_flags
_LONGEST = 1 << 12  # bytes of a name


def symbol_versions(file: BinaryIO, image: Image, *, with_symbols: bool = False) -> SymbolVersions:
    """Those of the seekable `file`; with `with_symbols` also what each is needed for.

    Where the table of those that it defines is damaged it is taken for one that defines none. Raises BinaryFormatError where a
    record of what it needs leaves the file, or these do not end.
    """
    records, names = tuple(need_records(file, image)), _definitions(file, image)
    if not records and not names:
        return NO_VERSIONS
    start, size = string_table(image.segments, image.numbers)

    def text(index: int) -> str:
        if index >= size:
            raise BinaryFormatError(f"string index {index} leaves the string table of {size} bytes")
        return os.fsdecode(read_string(file, start + index, start + min(size, index + _LONGEST)))

    wanted: dict[int, list[str]] = {}
    for symbol in undefined_symbols(file, image) if with_symbols else ():
        wanted.setdefault(symbol.version, []).append(symbol.name)
    needed = tuple(
        NeededVersion(
            library,
            text(version.name),
            bool(version.flags & _WEAK),
            tuple(wanted.get(version.other, ())),
            version.other,
        )
        for record in records
        for library in (text(record.need.file),)
        for version in record.versions
    )
    return SymbolVersions(needed, frozenset(map(text, names)))


def _definitions(file: BinaryIO, image: Image) -> tuple[int, ...]:
    """The string indices of their names."""
    try:
        return tuple(definition_names(file, image))
    except BinaryFormatError:
        return ()
