"""Small PE files without code, put together for tests: what they ask for is theirs to say. Wine's loader takes them as they are."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s

_ADDRESS, _ALIGNMENT, _HEADERS = 0x1000, 0x200, 0x400
_LOAD_CONFIG_SIZE = 0x118


def make_pe(
    needed: Sequence[str] = (),
    delayed: Sequence[str] = (),
    *,
    forwarded: Sequence[str] = (),
    dll: bool = True,
    machine: int = c.IMAGE_FILE_MACHINE_AMD64,
    version: tuple[int, int] = (6, 0),
    load_flags: int = 0,
    writable_code: bool = False,
    text: bytes = b"",
) -> bytes:
    """A DLL, or a program that ends at once. `forwarded` are exports (`OTHER.function`), `text` tells it from others of its kind.

    Each DLL exports something as number 1, and that is what they ask of each other.
    """
    layout = s.PE32 if machine in (c.IMAGE_FILE_MACHINE_I386, c.IMAGE_FILE_MACHINE_ARMNT) else s.PE32_PLUS
    body = _Body(layout.bits // 8)
    directories = [(0, 0)] * c.MOST_DIRECTORIES
    if dll:
        directories[c.EXPORT] = body.exports(forwarded)
    if needed:
        directories[c.IMPORT] = body.imports(needed)
    if delayed:
        directories[c.DELAY_IMPORT] = body.delays(delayed)
    if load_flags:
        directories[c.LOAD_CONFIG] = body.load_config(layout, load_flags)
    body.add(text)
    entry = 0 if dll else body.add(b"\x31\xc0\xc3")  # xor eax, eax; ret
    raw = bytes(body.data).ljust(-(-len(body.data) // _ALIGNMENT) * _ALIGNMENT or _ALIGNMENT, b"\0")
    optional = bytearray(layout.size)
    struct.pack_into("<H", optional, 0, c.IMAGE_NT_OPTIONAL_HDR64_MAGIC if layout.bits == 64 else 0x10B)
    struct.pack_into("<I", optional, 16, entry)
    base_offset, base = layout.image_base
    base.pack_into(optional, base_offset, 0x10000000)
    for offset, number in (
        (s.SECTION_ALIGNMENT, 0x1000),
        (s.FILE_ALIGNMENT, _ALIGNMENT),
        (s.SIZE_OF_HEADERS, _HEADERS),
    ):
        struct.pack_into("<I", optional, offset, number)
    struct.pack_into("<I", optional, s.SIZE_OF_IMAGE, _ADDRESS + -(-len(raw) // 0x1000) * 0x1000)
    struct.pack_into("<2H", optional, s.MAJOR_OPERATING_SYSTEM_VERSION, *version)
    struct.pack_into("<2H", optional, s.MAJOR_SUBSYSTEM_VERSION, *version)
    struct.pack_into("<2H", optional, s.SUBSYSTEM, 3, 0x140)  # a console; may lie anywhere, has no code in its data
    struct.pack_into("<I", optional, layout.size - 4, c.MOST_DIRECTORIES)
    optional += b"".join(s.DATA_DIRECTORY.pack(*each) for each in directories)
    characteristics = c.IMAGE_FILE_EXECUTABLE_IMAGE | (c.IMAGE_FILE_DLL if dll else 0) | 0x20
    flags = c.IMAGE_SCN_CNT_INITIALIZED_DATA | c.IMAGE_SCN_MEM_READ | c.IMAGE_SCN_MEM_WRITE
    flags |= c.IMAGE_SCN_MEM_EXECUTE if writable_code or not dll else 0
    head = c.DOS_MAGIC + bytes(c.E_LFANEW - 2) + struct.pack("<I", c.DOS_HEADER_SIZE) + c.PE_SIGNATURE
    head += s.FILE_HEADER.pack(machine, 1, 0, 0, 0, len(optional), characteristics) + optional
    head += s.SECTION_HEADER.pack(b".data", len(raw), _ADDRESS, len(raw), _HEADERS, 0, 0, 0, 0, flags)
    return head.ljust(_HEADERS, b"\0") + raw


class _Body:
    """The only section's bytes."""

    def __init__(self, pointer: int) -> None:
        self.data = bytearray()
        self._pointer = pointer

    def add(self, data: bytes) -> int:
        """The address of bytes that are added."""
        self.data += bytes(-len(self.data) % 16)
        address = _ADDRESS + len(self.data)
        self.data += data
        return address

    def _text(self, text: str) -> int:
        return self.add(text.encode("ascii") + b"\0")

    def _by_number(self) -> int:
        """A table of functions that asks for the first one."""
        return self.add(((1 << (8 * self._pointer - 1)) | 1).to_bytes(self._pointer, "little") + bytes(self._pointer))

    def imports(self, names: Sequence[str]) -> tuple[int, int]:
        tables = [(self._by_number(), self._by_number()) for _ in names]
        texts = [self._text(name) for name in names]
        rows = [s.IMPORT_DESCRIPTOR.pack(a, 0, 0, text, b) for (a, b), text in zip(tables, texts, strict=True)]
        table = b"".join(rows) + bytes(s.IMPORT_DESCRIPTOR.size)
        return self.add(table), len(table)

    def delays(self, names: Sequence[str]) -> tuple[int, int]:
        rows = []
        for name in names:
            fields = (self._text(name), self.add(bytes(self._pointer)), self._by_number(), self._by_number())
            rows.append(s.DELAY_DESCRIPTOR.pack(c.DELAY_ATTRIBUTE_RVA, *fields, 0, 0, 0))
        table = b"".join(rows) + bytes(s.DELAY_DESCRIPTOR.size)
        return self.add(table), len(table)

    def exports(self, forwarders: Sequence[str]) -> tuple[int, int]:
        """`f0`, which is nothing but bytes, and forwarders `f1`, `f2`, …; all in one block, in which their texts have to lie."""
        something = self.add(bytes(16))
        count, start = 1 + len(forwarders), s.EXPORT_DIRECTORY.size
        address = self.add(b"")
        functions, names, numbers = (address + start + 4 * count * number for number in range(3))
        texts = b""
        places: list[int] = []
        for text in ("sample.dll", *forwarders, *(f"f{number}" for number in range(count))):
            places.append(address + start + 10 * count + len(texts))
            texts += text.encode("ascii") + b"\0"
        directory = s.EXPORT_DIRECTORY.pack(0, 0, 0, 0, places[0], 1, count, count, functions, names, numbers)
        block = bytes(directory) + struct.pack(f"<{count}I", something, *places[1:count])
        block += struct.pack(f"<{count}I", *places[count:]) + struct.pack(f"<{count}H", *range(count)) + texts
        self.data += block
        return address, len(block)

    def load_config(self, layout: s.OptionalHeader, flags: int) -> tuple[int, int]:
        config = bytearray(_LOAD_CONFIG_SIZE)
        struct.pack_into("<I", config, 0, _LOAD_CONFIG_SIZE)
        struct.pack_into("<H", config, layout.dependent_load_flags, flags)
        return self.add(bytes(config)), _LOAD_CONFIG_SIZE
