"""What pefile reads of a PE file. Nothing here comes from the patcher's own reader.

Addresses are relative to the image's base, offsets are in bytes from the file's start. Names are decoded with os.fsdecode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class SectionFacts(NamedTuple):
    """A section header, each of its fields; `rest` are those of relocations and line numbers, `header` is its offset."""

    name: str
    virtual_size: int
    address: int
    raw_size: int
    raw_offset: int
    flags: int
    rest: tuple[int, int, int, int]
    header: int


class ImportFacts(NamedTuple):
    """A DLL of an import table: its name, the offsets of its descriptor and of the name, and the descriptor's fields by name."""

    name: str
    descriptor: tuple[int, int]
    name_offset: int
    fields: tuple[tuple[str, int], ...]


class ForwarderFacts(NamedTuple):
    """An export that leads to another DLL's: its number in the table of functions, its text, and the offsets of both."""

    number: int
    text: str
    entry_offset: int
    text_offset: int


@dataclass(frozen=True, slots=True)
class PeFacts:
    """A PE file as pefile reads it."""

    size: int
    header: Mapping[str, int]
    """The fields of the file header and the optional header, by their names in the specification."""
    header_range: tuple[int, int]
    """From the PE signature to the end of the table of sections."""
    checksum_offset: int
    true_checksum: int | None
    """None where the file has none."""
    bits: int
    directories: tuple[tuple[int, int], ...]
    sections: tuple[SectionFacts, ...]
    imports: tuple[ImportFacts, ...]
    delayed: tuple[ImportFacts, ...]
    name: str | None
    """The export directory's."""
    export_directory: tuple[int, ...]
    """Its fields, without the name's text."""
    exports: tuple[tuple[int, str | None, int], ...]
    """Of each export that is no forwarder: number, name, address."""
    forwarders: tuple[ForwarderFacts, ...]
    load_config: tuple[int, int, int] | None
    """Size, DependentLoadFlags, CHPEMetadataPointer."""

    @property
    def certificate(self) -> tuple[int, int]:
        """Where the signature begins and ends; both 0 for none."""
        offset, size = self.directories[4] if len(self.directories) > 4 else (0, 0)
        return (offset, offset + size) if size else (0, 0)
