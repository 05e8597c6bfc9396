"""A file as pyelftools reads it, for comparing a patched file with its original: the second opinion on our own reader."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from elftools.common.utils import struct_parse
from elftools.elf.structs import ELFStructs

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import read_header
from bundler.binaries.elf.structs import ElfClass

Record = dict[str, Any]


class ViolatedError(Exception):
    """An invariant that does not hold."""


def require(holds: bool, claim: str) -> None:
    """Raise ViolatedError with the claim where it does not hold."""
    if not holds:
        raise ViolatedError(f"not true: {claim}")


@dataclass(frozen=True, slots=True)
class Reading:
    """What pyelftools reads of a file."""

    size: int
    header: Record
    segments: list[Record]
    sections: list[Record]
    raw_sections: bytes
    dynamic: list[tuple[str | int, int]]
    strings: bytes

    def loads(self) -> list[Record]:
        """The PT_LOADs, in the table's order."""
        return [segment for segment in self.segments if segment["p_type"] == "PT_LOAD"]

    def string(self, index: int) -> bytes:
        """The string at an index; ViolatedError where it leaves the table."""
        end = self.strings.find(b"\0", index)
        require(0 <= index < len(self.strings) and end >= 0, f"string index {index} lies in the table")
        return self.strings[index:end]

    def texts(self, tag: str) -> list[bytes]:
        """The strings of all entries with a tag, in order."""
        return [self.string(value) for name, value in self.dynamic if name == tag]

    def number(self, tag: str) -> int:
        """The number of the last entry with a tag; ViolatedError where there is none."""
        values = [value for name, value in self.dynamic if name == tag]
        require(bool(values), f"there is a {tag}")
        return values[-1]


@functools.cache
def _structs(elf_class: ElfClass, little_endian: bool, machine: str, os_abi: str) -> ELFStructs:
    structs = ELFStructs(little_endian=little_endian, elfclass=elf_class.bits)
    structs.create_basic_structs()
    structs.create_advanced_structs("ET_DYN", machine, os_abi)
    return structs


def read(file: BinaryIO, size: int, known: dict[tuple[str, bytes], Record] | None = None) -> Reading:
    """Headers, dynamic section and string table of a file of `size` bytes.

    `known` gives records by their kind and bytes, and is added to: most of a patched file's are those of its original. It
    must not be shared between files of different classes, byte orders and machines.
    """
    known = {} if known is None else known
    layouts, _ = read_header(file)
    little = layouts.byteorder == "little"
    plain = _structs(layouts.elf_class, little, "EM_NONE", "ELFOSABI_SYSV")
    header = struct_parse(plain.Elf_Ehdr, file, 0)
    structs = _structs(layouts.elf_class, little, header["e_machine"], header["e_ident"]["EI_OSABI"])

    def table(layout: Any, offset: int, count: int, entry_size: int) -> list[Record]:
        file.seek(offset)
        data = file.read(count * entry_size)
        starts = range(0, count * entry_size, entry_size or 1)
        return [record(layout, data[start : start + entry_size], offset + start) for start in starts]

    def record(layout: Any, data: bytes, offset: int) -> Record:
        found = known.get((layout.name, data))
        if found is None:
            found = known[layout.name, data] = struct_parse(layout, file, offset)
        return found

    segments = table(structs.Elf_Phdr, header["e_phoff"], header["e_phnum"], header["e_phentsize"])
    shnum = header["e_shnum"] if header["e_shoff"] else 0
    file.seek(header["e_shoff"])
    raw_sections = file.read(shnum * header["e_shentsize"])
    sections = table(structs.Elf_Shdr, header["e_shoff"], shnum, header["e_shentsize"])
    place = next(segment for segment in segments if segment["p_type"] == "PT_DYNAMIC")
    step = structs.Elf_Dyn.sizeof()
    entries = table(structs.Elf_Dyn, place["p_offset"], place["p_filesz"] // step, step)
    tagged = itertools.takewhile(lambda entry: entry["d_tag"] != "DT_NULL", entries)
    dynamic = [(entry["d_tag"], entry["d_val"]) for entry in tagged]
    reading = Reading(size, header, segments, sections, raw_sections, dynamic, b"")
    address, length = reading.number("DT_STRTAB"), reading.number("DT_STRSZ")
    return Reading(size, header, segments, sections, raw_sections, dynamic, _mapped(reading, file, address, length))


def _mapped(reading: Reading, file: BinaryIO, address: int, length: int) -> bytes:
    """The bytes at `address`, out of one PT_LOAD or of several that join."""
    data = b""
    while len(data) < length:
        holder = holder_of(reading, address + len(data), 1)
        if holder is None:
            raise ViolatedError("not true: DT_STRTAB and DT_STRSZ lie in PT_LOADs")
        skip = address + len(data) - holder["p_vaddr"]
        file.seek(holder["p_offset"] + skip)
        part = file.read(min(length - len(data), holder["p_filesz"] - skip))
        require(bool(part), "the string table lies in the file")
        data += part
    return data


def holder_of(reading: Reading, address: int, length: int) -> Record | None:
    """The PT_LOAD that has the bytes in the file."""
    return next(
        (s for s in reading.loads() if 0 <= address - s["p_vaddr"] <= s["p_filesz"] - length),
        None,
    )


def takes_memory(section: Record) -> bool:
    """Whether the loader maps the section, which .tbss alone does not have."""
    thread_zeros = section["sh_type"] == "SHT_NOBITS" and section["sh_flags"] & c.SHF_TLS
    return bool(section["sh_flags"] & c.SHF_ALLOC and section["sh_size"] and not thread_zeros)


def section_segment(loads: Sequence[Record], section: Record) -> int | None:
    """The number, among the PT_LOADs, of the one that holds the section."""
    address, size = section["sh_addr"], section["sh_size"]
    for number, segment in enumerate(loads):
        if 0 <= address - segment["p_vaddr"] <= segment["p_memsz"] - size:
            return number
    return None
