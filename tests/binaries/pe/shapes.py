"""PE files of other shapes, made of the fixtures by changing some of their bytes."""

from __future__ import annotations

import functools
import io
import struct

from bundler.binaries.pe import Image, read_image
from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from tests.material.pe_fixtures import AMD64, SETS, Set

PAYLOAD = b"PK\x05\x06" + bytes(18)


@functools.cache
def fixture(name: str = "program.exe", machine: Set = AMD64) -> bytes:
    return (machine.folder / name).read_bytes()


@functools.cache
def fixtures() -> tuple[bytes, ...]:
    """All of them."""
    return tuple(file.read_bytes() for machine in SETS for file in machine.files())


def image_of(data: bytes) -> Image:
    return read_image(io.BytesIO(data))


def put(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


def with_directory(data: bytes, number: int, address: int, size: int) -> bytes:
    return put(data, image_of(data).headers.directories_offset + 8 * number, struct.pack("<2I", address, size))


def with_optional(data: bytes, field: int, layout: struct.Struct, value: int) -> bytes:
    """A field of the optional header, by its offset there."""
    return put(data, image_of(data).headers.optional_offset + field, layout.pack(value))


def signed(data: bytes, behind: bytes = b"") -> bytes:
    """With something that lies where a signature does, which is none."""
    data = data.ljust(-(-len(data) // 8) * 8, b"\0")
    signature = struct.pack("<I2H", 72, 0x200, 2) + b"s" * 64
    return with_directory(data + signature + behind, c.SECURITY, len(data), len(signature))


def bound(data: bytes) -> bytes:
    """As `bind.exe` leaves a file: dates in the import table, and a table behind that of the sections."""
    image = image_of(data)
    place = image.headers.section_table_end
    for dll in image.imports:
        if not dll.delayed:
            data = put(data, dll.offset + 4, b"\xff" * 8)
    data = put(data, place, b"b" * 48)
    return with_directory(data, c.BOUND_IMPORT, place, 48)


def without_slack(data: bytes) -> bytes:
    """Something stands behind the end of each section."""
    for section in image_of(data).headers.sections:
        length = section.raw_size - section.virtual_size
        if length > 0:
            data = put(data, section.raw_offset + section.virtual_size, b"\xcc" * length)
    return data


def without_header_room(data: bytes) -> bytes:
    """The headers end behind the table of sections."""
    return with_optional(data, s.SIZE_OF_HEADERS, s.DWORD, image_of(data).headers.section_table_end)


def with_load_config(data: bytes, flags: int = 0x800, chpe: int = 0) -> bytes:
    """With a load configuration behind the end of the section that has the most room there."""
    headers = image_of(data).headers
    size = headers.layout.chpe_metadata[0] + 8
    number, section = max(enumerate(headers.sections), key=lambda each: each[1].raw_size - each[1].virtual_size)
    into = -(-section.virtual_size // 8) * 8
    config = bytearray(size)
    struct.pack_into("<I", config, 0, size)
    struct.pack_into("<H", config, headers.layout.dependent_load_flags, flags)
    headers.layout.chpe_metadata[1].pack_into(config, headers.layout.chpe_metadata[0], chpe)
    assert into + size <= section.raw_size
    data = put(data, section.raw_offset + into, bytes(config))
    data = put(data, headers.section_table + 40 * number + 8, struct.pack("<I", into + size))
    return with_directory(data, c.LOAD_CONFIG, section.address + into, size)


def with_absolute_delays(data: bytes) -> bytes:
    """Delay imports as Visual C++ 6 wrote them: with addresses that are not relative."""
    image = image_of(data)
    for dll in image.imports:
        if dll.delayed:
            fields = [value + image.headers.image_base if value else 0 for value in dll.descriptor[1:7]]
            data = put(data, dll.offset, s.DELAY_DESCRIPTOR.pack(0, *fields, 0))
    return data


def with_symbols(data: bytes) -> bytes:
    """With a table of symbols behind the sections, as GNU's linker leaves it where nothing strips it: one symbol, no long names."""
    symbol = struct.pack("<8sIhHBB", b"start", 0x1000, 1, 0x20, 2, 0)
    data = put(data, image_of(data).headers.pe_offset + 12, struct.pack("<2I", len(data), 1))
    return data + symbol + struct.pack("<I", 4)
