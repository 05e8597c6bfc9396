"""A PE file as pefile reads it. pefile is shown a mapping of the file where there is one, else all of its bytes."""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from bundler.audit.readers.bytewise import CHUNK
from bundler.audit.readers.pe.facts import ForwarderFacts, ImportFacts, PeFacts, SectionFacts
from bundler.audit.readers.ranges import split
from bundler.errors import BinaryFormatError
from bundler.machine import os

_MOST_EXPORTS = 1 << 16
_EXPORT, _IMPORT, _LOAD_CONFIG, _DELAY_IMPORT = 0, 1, 10, 13
_DIRECTORY_FIELDS = (
    *("Characteristics", "TimeDateStamp", "MajorVersion", "MinorVersion", "Name", "Base", "NumberOfFunctions"),
    *("NumberOfNames", "AddressOfFunctions", "AddressOfNames", "AddressOfNameOrdinals"),
)


def read_pe(file: BinaryIO, *, whole: bool = False) -> PeFacts:
    """What pefile reads of the seekable `file`; its true checksum only with `whole`, for which all of it is read.

    Raises what pefile raises for a damaged file.
    """
    import pefile

    size = file.seek(0, os.SEEK_END)
    with _bytes_of(file, size) as data:
        pe = pefile.PE(data=data, fast_load=True, max_symbol_exports=_MOST_EXPORTS)
        pe.parse_data_directories([_EXPORT, _DELAY_IMPORT])
        with contextlib.suppress(AttributeError):  # pefile stumbles over those of Windows 10's first years
            pe.parse_data_directories([_LOAD_CONFIG])
        # It is not closed: that collects garbage, and the bytes are ours.
        return _facts(pe, size, _checksum(data, pe) if whole and pe.OPTIONAL_HEADER.CheckSum else None)


class _bytes_of:  # noqa: N801  # used like a function
    """The bytes of a file, for as long as they are needed."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        try:
            self._data: Any = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # no file of the system's
            file.seek(0)
            self._data = file.read()

    def __enter__(self) -> Any:
        return self._data

    def __exit__(self, *_: object) -> None:
        if isinstance(self._data, mmap.mmap):
            self._data.close()


def _facts(pe: Any, size: int, checksum: int | None) -> PeFacts:
    optional, file_header = pe.OPTIONAL_HEADER, pe.FILE_HEADER
    header = {name: number for part in (file_header, optional) for name, number in _numbers(part)}
    table = optional.get_file_offset() + file_header.SizeOfOptionalHeader
    exports = getattr(pe, "DIRECTORY_ENTRY_EXPORT", None)
    config = getattr(pe, "DIRECTORY_ENTRY_LOAD_CONFIG", None)
    plain, forwarders = _exports(pe, exports)
    return PeFacts(
        size=size,
        header=header,
        header_range=(pe.NT_HEADERS.get_file_offset(), table + 40 * file_header.NumberOfSections),
        checksum_offset=optional.get_field_absolute_offset("CheckSum"),
        true_checksum=checksum,
        bits=64 if pe.PE_TYPE == 0x20B else 32,
        directories=tuple((each.VirtualAddress, each.Size) for each in optional.DATA_DIRECTORY),
        sections=tuple(map(_section, pe.sections)),
        imports=tuple(_imports(pe, _import_table(pe), "Name")),
        delayed=tuple(_imports(pe, getattr(pe, "DIRECTORY_ENTRY_DELAY_IMPORT", ()), "szName")),
        name=_text(pe, exports.struct.Name) if exports is not None else None,
        export_directory=tuple(getattr(exports.struct, name) for name in _DIRECTORY_FIELDS) if exports else (),
        exports=plain,
        forwarders=forwarders,
        load_config=_load_config(config.struct) if config is not None else None,
    )


def _checksum(data: Any, pe: Any) -> int:
    """What the checksum should be. pefile makes it, too, but collects garbage each time."""
    offset, total = pe.OPTIONAL_HEADER.get_field_absolute_offset("CheckSum"), 0
    for start, end in split((0, len(data)), CHUNK):
        chunk = bytearray(data[start:end])
        for at in range(max(offset, start), min(offset + 4, end)):
            chunk[at - start] = 0
        if len(chunk) % 2:
            chunk.append(0)
        total += sum(struct.unpack(f"<{len(chunk) // 2}H", chunk))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total + len(data)


def _numbers(structure: Any) -> Iterator[tuple[str, int]]:
    for name, *_ in structure.__keys__:  # fields of one place have several names
        value = getattr(structure, name)
        if isinstance(value, int):
            yield name, value


def _section(section: Any) -> SectionFacts:
    return SectionFacts(
        os.fsdecode(section.Name.rstrip(b"\0")),
        section.Misc_VirtualSize,
        section.VirtualAddress,
        section.SizeOfRawData,
        section.PointerToRawData,
        section.Characteristics,
        (
            section.PointerToRelocations,
            section.PointerToLinenumbers,
            section.NumberOfRelocations,
            section.NumberOfLinenumbers,
        ),
        section.get_file_offset(),
    )


def _import_table(pe: Any) -> Any:
    if len(pe.OPTIONAL_HEADER.DATA_DIRECTORY) <= _IMPORT:
        return ()
    place = pe.OPTIONAL_HEADER.DATA_DIRECTORY[_IMPORT]
    if not place.VirtualAddress:
        return ()
    return pe.parse_import_directory(place.VirtualAddress, place.Size, dllnames_only=True) or ()


def _imports(pe: Any, entries: Any, field: str) -> Iterator[ImportFacts]:
    for entry in entries:
        start = entry.struct.get_file_offset()
        place = getattr(entry.struct, field)
        yield ImportFacts(
            _text(pe, place),
            (start, start + entry.struct.sizeof()),
            pe.get_offset_from_rva(place),
            tuple((name, value) for name, value in _numbers(entry.struct)),
        )


def _exports(pe: Any, exports: Any) -> tuple[tuple[tuple[int, str | None, int], ...], tuple[ForwarderFacts, ...]]:
    plain, forwarders = list[tuple[int, str | None, int]](), dict[int, ForwarderFacts]()
    for each in exports.symbols if exports is not None else ():
        number = each.ordinal - exports.struct.Base
        if each.forwarder is None:
            plain.append((number, os.fsdecode(each.name) if each.name else None, each.address))
            continue
        entry = pe.get_offset_from_rva(exports.struct.AddressOfFunctions + 4 * number)
        address = pe.get_dword_from_offset(entry)
        forwarders[number] = ForwarderFacts(number, _text(pe, address), entry, pe.get_offset_from_rva(address))
    return tuple(plain), tuple(forwarders[number] for number in sorted(forwarders))


def _text(pe: Any, address: int) -> str:
    data = pe.get_string_at_rva(address, 1 << 13) if address else b""
    if data is None:
        raise BinaryFormatError(f"no text at the address {address:#x}")
    return os.fsdecode(data)


def _load_config(config: Any) -> tuple[int, int, int]:
    return (
        config.Size,
        getattr(config, "DependentLoadFlags", 0) or 0,
        getattr(config, "CHPEMetadataPointer", 0) or 0,
    )
