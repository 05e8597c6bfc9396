"""A small shared object made by hand, for every class and byte order: what no compiler here can make."""

from __future__ import annotations

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import (
    ByteOrder,
    DynamicEntry,
    ElfClass,
    FileHeader,
    Section,
    Segment,
    Symbol,
    structures,
)

STRINGS = b"\0which\0libinner.so.1\0$ORIGIN/old/place\0libsample.so\0"
NAMES = b"\0.dynsym\0.dynstr\0.dynamic\0.bss\0.shstrtab\0"
PAGE = 0x10000
ZEROS = 0x300


def make_sample(
    elf_class: ElfClass,
    byteorder: ByteOrder,
    machine: int = c.EM_X86_64,
    spare: int = 2,
    extra: tuple[DynamicEntry, ...] = (),
) -> bytes:
    """A library that needs libinner.so.1, has a DT_RUNPATH and one symbol, in two PT_LOADs with 768 bytes of .bss."""
    layouts = structures(elf_class, byteorder)
    ident = b"\x7fELF" + bytes([elf_class.value, 1 if byteorder == "little" else 2, 1]) + bytes(9)
    phoff = 16 + layouts.header.size
    symbols_at = phoff + 3 * layouts.segment.size + 7 & ~7
    symbols = layouts.symbol.pack(Symbol(0, 0, 0, 0, 0, 0)) + layouts.symbol.pack(Symbol(1, 0x12, 0, 1, 0x40, 4))
    strings_at = symbols_at + len(symbols)
    data_at = strings_at + len(STRINGS) + 15 & ~15
    data_address = PAGE + data_at

    def index(text: bytes) -> int:
        return STRINGS.index(text + b"\0")

    entries = (
        DynamicEntry(c.DT_NEEDED, index(b"libinner.so.1")),
        DynamicEntry(c.DT_SONAME, index(b"libsample.so")),
        DynamicEntry(c.DT_RUNPATH, index(b"$ORIGIN/old/place")),
        DynamicEntry(c.DT_STRTAB, strings_at),
        DynamicEntry(c.DT_STRSZ, len(STRINGS)),
        DynamicEntry(c.DT_SYMTAB, symbols_at),
        DynamicEntry(c.DT_SYMENT, layouts.symbol.size),
        *extra,
        *[DynamicEntry(c.DT_NULL, 0)] * (1 + spare),
    )
    dynamic = b"".join(layouts.dynamic.pack(entry) for entry in entries)
    end = data_at + len(dynamic)
    segments = (
        Segment(c.PT_LOAD, c.PF_R, 0, 0, 0, strings_at + len(STRINGS), strings_at + len(STRINGS), PAGE),
        Segment(c.PT_LOAD, 6, data_at, data_address, data_address, len(dynamic), len(dynamic) + ZEROS, PAGE),
        Segment(c.PT_DYNAMIC, 6, data_at, data_address, data_address, len(dynamic), len(dynamic), 8),
    )
    shoff = end + len(NAMES) + 15 & ~15

    def section(name: bytes, kind: int, flags: int, place: tuple[int, int, int], *more: int) -> Section:
        link, entsize = more or (0, 0)
        return Section(NAMES.index(name + b"\0"), kind, flags, *place, link, 0, 1, entsize)

    bss = data_address + len(dynamic)
    sections = (
        Section(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        section(b".dynsym", c.SHT_DYNSYM, 2, (symbols_at, symbols_at, len(symbols)), 2, layouts.symbol.size),
        section(b".dynstr", c.SHT_STRTAB, 2, (strings_at, strings_at, len(STRINGS))),
        section(b".dynamic", c.SHT_DYNAMIC, 3, (data_address, data_at, len(dynamic)), 2, layouts.dynamic.size),
        section(b".bss", c.SHT_NOBITS, 3, (bss, end, ZEROS)),
        section(b".shstrtab", c.SHT_STRTAB, 0, (0, end, len(NAMES))),
    )
    header = FileHeader(
        type=c.ET_DYN, machine=machine, version=1, entry=0, phoff=phoff, shoff=shoff, flags=0,
        ehsize=phoff, phentsize=layouts.segment.size, phnum=3,
        shentsize=layouts.section.size, shnum=len(sections), shstrndx=5,
    )  # fmt: skip
    data = ident + layouts.header.pack(header) + b"".join(map(layouts.segment.pack, segments))
    data = data.ljust(symbols_at, b"\0") + symbols + STRINGS
    data = data.ljust(data_at, b"\0") + dynamic + NAMES
    return data.ljust(shoff, b"\0") + b"".join(map(layouts.section.pack, sections))
