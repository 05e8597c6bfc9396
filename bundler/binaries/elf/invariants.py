"""What must be true of every patched file, checked by reading the result with another reader (pyelftools).

A violated invariant raises CannotPatch, so that nobody ever sees a broken file.
"""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.elf.structs import ELFStructs

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.dynamic import wanted_names, wanted_rpath
from bundler.binaries.elf.edits import Edits, PatchPlan, Unchanged
from bundler.binaries.elf.image import Image, read_header, read_image
from bundler.binaries.elf.references import symbol_references
from bundler.binaries.elf.sections import read_sections
from bundler.binaries.elf.structs import ElfClass
from bundler.binaries.elf.versions import VersionNeed, version_needs
from bundler.binaries.patch import Patch, Range
from bundler.binaries.view import open_patched
from bundler.errors import BinaryFormatError, BundlerError, CannotPatch

_PATH_TAGS = frozenset({"DT_RPATH", "DT_RUNPATH"})
_OTHER_NAME_TAGS = frozenset({"DT_SONAME", "DT_AUXILIARY", "DT_FILTER", "DT_AUDIT", "DT_DEPAUDIT", "DT_CONFIG"})
_STRING_TAGS = {"DT_NEEDED"} | _PATH_TAGS | _OTHER_NAME_TAGS
_TABLE_TAGS = ("DT_STRTAB", "DT_STRSZ")
_LARGEST_PAGE = 16 << 20
_Record = dict[str, Any]


def check_result(file: BinaryIO, image: Image, edits: Edits, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `file` and compare it with the original.

    Raises CannotPatch with the first invariant that does not hold.
    """
    try:
        patched = open_patched(file, plan.patch)
        before, after = _read(file, image.size), _read(patched, plan.patch.size)
        _check_program_headers(before, after, image)
        _check_contents_stay(before, after, plan.patch)
        _check_dynamic(before, after, edits)
        _check_sections(before, after)
        result = read_image(patched)
        _check_strings(before.strings, after.strings, patched, result)
        _check_versions(version_needs(file, image), version_needs(patched, result), edits)
        _check_idempotence(patched, result, edits)
    except _ViolatedError as error:
        raise CannotPatch(f"the patched file would be wrong: {error} ({plan.explanation})") from error
    except (ELFError, BinaryFormatError, EOFError) as error:
        raise CannotPatch(f"the patched file cannot be read: {error} ({plan.explanation})") from error


class _ViolatedError(Exception):
    """An invariant that does not hold."""


def _require(holds: bool, claim: str) -> None:
    if not holds:
        raise _ViolatedError(f"not true: {claim}")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What pyelftools reads of a file."""

    size: int
    header: _Record
    segments: list[_Record]
    sections: list[_Record]
    raw_sections: bytes
    dynamic: list[tuple[str | int, int]]
    strings: bytes

    def loads(self) -> list[_Record]:
        return [segment for segment in self.segments if segment["p_type"] == "PT_LOAD"]

    def string(self, index: int) -> bytes:
        end = self.strings.find(b"\0", index)
        _require(0 <= index < len(self.strings) and end >= 0, f"string index {index} lies in the table")
        return self.strings[index:end]

    def texts(self, tag: str) -> list[bytes]:
        return [self.string(value) for name, value in self.dynamic if name == tag]

    def number(self, tag: str) -> int:
        values = [value for name, value in self.dynamic if name == tag]
        _require(bool(values), f"there is a {tag}")
        return values[-1]


@functools.cache
def _structs(elf_class: ElfClass, little_endian: bool, machine: str, os_abi: str) -> ELFStructs:
    structs = ELFStructs(little_endian=little_endian, elfclass=elf_class.bits)
    structs.create_basic_structs()
    structs.create_advanced_structs("ET_DYN", machine, os_abi)
    return structs


def _read(file: BinaryIO, size: int) -> _Reading:
    layouts, _ = read_header(file)
    little = layouts.byteorder == "little"
    plain = _structs(layouts.elf_class, little, "EM_NONE", "ELFOSABI_SYSV")
    header = struct_parse(plain.Elf_Ehdr, file, 0)
    structs = _structs(layouts.elf_class, little, header["e_machine"], header["e_ident"]["EI_OSABI"])

    def table(layout: Any, offset: int, count: int, entry_size: int) -> list[_Record]:
        return [struct_parse(layout, file, offset + number * entry_size) for number in range(count)]

    segments = table(structs.Elf_Phdr, header["e_phoff"], header["e_phnum"], header["e_phentsize"])
    shnum = header["e_shnum"] if header["e_shoff"] else 0
    file.seek(header["e_shoff"])
    raw_sections = file.read(shnum * header["e_shentsize"])
    sections = table(structs.Elf_Shdr, header["e_shoff"], shnum, header["e_shentsize"])
    place = next(segment for segment in segments if segment["p_type"] == "PT_DYNAMIC")
    dynamic = []
    step = structs.Elf_Dyn.sizeof()
    for offset in range(place["p_offset"], place["p_offset"] + place["p_filesz"], step):
        entry = struct_parse(structs.Elf_Dyn, file, offset)
        if entry["d_tag"] == "DT_NULL":
            break
        dynamic.append((entry["d_tag"], entry["d_val"]))
    reading = _Reading(size, header, segments, sections, raw_sections, dynamic, b"")
    address, length = reading.number("DT_STRTAB"), reading.number("DT_STRSZ")
    return _Reading(size, header, segments, sections, raw_sections, dynamic, _mapped(reading, file, address, length))


def _mapped(reading: _Reading, file: BinaryIO, address: int, length: int) -> bytes:
    """The bytes at `address`, out of one PT_LOAD or of several that join."""
    data = b""
    while len(data) < length:
        holder = _holder(reading, address + len(data), 1)
        if holder is None:
            raise _ViolatedError("not true: DT_STRTAB and DT_STRSZ lie in PT_LOADs")
        skip = address + len(data) - holder["p_vaddr"]
        file.seek(holder["p_offset"] + skip)
        part = file.read(min(length - len(data), holder["p_filesz"] - skip))
        _require(bool(part), "the string table lies in the file")
        data += part
    return data


def _holder(reading: _Reading, address: int, length: int) -> _Record | None:
    """The PT_LOAD that has the bytes in the file."""
    return next(
        (s for s in reading.loads() if 0 <= address - s["p_vaddr"] <= s["p_filesz"] - length),
        None,
    )


def _check_program_headers(before: _Reading, after: _Reading, image: Image) -> None:
    for name in before.header:
        _require(name in ("e_shoff", "e_shnum") or before.header[name] == after.header[name], f"{name} is unchanged")
    for old, new in zip(before.segments, after.segments, strict=True):
        changeable = {"p_offset", "p_filesz", "p_memsz"}
        if old["p_type"] == "PT_DYNAMIC":
            changeable |= {"p_vaddr", "p_paddr"}
        _require(all(old[k] == new[k] for k in old if k not in changeable), "segments keep type, address, flags")
        _require(new["p_offset"] + new["p_filesz"] <= after.size or new == old, "segments end within the file")
        _require(new["p_memsz"] >= new["p_filesz"] or old["p_memsz"] < old["p_filesz"], "memsz covers filesz")
        if new["p_type"] == "PT_LOAD":
            align = max(1, new["p_align"])
            congruent = (new["p_vaddr"] - new["p_offset"]) % align == 0
            _require(congruent or (old["p_vaddr"] - old["p_offset"]) % align != 0, "address and offset agree")
            _require(new["p_memsz"] >= old["p_memsz"] and new["p_filesz"] >= old["p_filesz"], "segments only grow")
        elif new["p_type"] == "PT_DYNAMIC":
            holder = _holder(after, new["p_vaddr"], new["p_filesz"])
            _require(holder is not None, "PT_DYNAMIC lies in a PT_LOAD")
            assert holder is not None
            _require(
                new["p_offset"] - holder["p_offset"] == new["p_vaddr"] - holder["p_vaddr"],
                "PT_DYNAMIC's offset and address agree",
            )
            room = new["p_filesz"] // image.structures.dynamic.size
            _require(len(after.dynamic) < room or old == new, "DT_NULL ends the dynamic section")
    page = c.PAGE_SIZES.get(image.machine, 0x1000)
    page = max([page, *(s["p_align"] for s in before.loads() if s["p_align"] <= _LARGEST_PAGE)])
    _require(_overlaps(after, page) <= _overlaps(before, page), "no two segments share a page that did not before")
    _require(_overlaps(after, 1) <= _overlaps(before, 1), "no two segments overlap")


def _overlaps(reading: _Reading, page: int) -> set[int]:
    """The numbers of the PT_LOADs that begin before the one in front of them ends, counted in pages."""
    loads = reading.loads()
    return {
        number
        for number, (low, high) in enumerate(itertools.pairwise(loads))
        if high["p_vaddr"] // page * page < low["p_vaddr"] + low["p_memsz"]
    }


def _check_contents_stay(before: _Reading, after: _Reading, patch: Patch) -> None:
    """Bytes that the loader maps and that the patch keeps are found at their old address."""
    position = 0
    loads = list(zip(before.loads(), after.loads(), strict=True))
    for piece in patch.pieces:
        if isinstance(piece, Range):
            for old, new in loads:
                start = max(piece.offset, old["p_offset"])
                if start < min(piece.offset + piece.length, old["p_offset"] + old["p_filesz"]):
                    at = position + start - piece.offset
                    _require(at - new["p_offset"] == start - old["p_offset"], "mapped bytes keep their address")
        position += piece.length


def _check_dynamic(before: _Reading, after: _Reading, edits: Edits) -> None:
    names = wanted_names(edits)
    wanted = [names.get(text, text) for text in before.texts("DT_NEEDED")]
    _require(after.texts("DT_NEEDED") == wanted, "the needed libraries are the wanted ones, in order")
    rpath = wanted_rpath(edits)
    for tag in _OTHER_NAME_TAGS | (_PATH_TAGS if isinstance(rpath, Unchanged) else frozenset()):
        _require(after.texts(tag) == before.texts(tag), f"{tag} is unchanged")
    if not isinstance(rpath, Unchanged):
        _require(after.texts("DT_RPATH") == ([] if rpath is None else [rpath]), "DT_RPATH is the wanted one")
        _require(not after.texts("DT_RUNPATH"), "there is no DT_RUNPATH")
    _require(list(_numbers(after)) == list(_numbers(before)), "tags without strings are unchanged")


def _numbers(reading: _Reading) -> Iterator[tuple[str | int, int]]:
    """The tags that no edit may touch."""
    for tag, value in reading.dynamic:
        if tag not in _STRING_TAGS and tag not in _TABLE_TAGS:
            yield tag, 0 if tag in ("DT_MIPS_RLD_MAP_REL", c.DT_MIPS_RLD_MAP_REL) else value


def _check_sections(before: _Reading, after: _Reading) -> None:
    if before.raw_sections == after.raw_sections and before.segments == after.segments:
        return
    old_table, table = before.number("DT_STRTAB"), after.number("DT_STRTAB")
    _require(len(after.sections) >= len(before.sections), "no section is lost")
    for old, new in zip(before.sections, after.sections, strict=False):
        fixed = set(old) - {"sh_offset", "sh_addr", "sh_size"}
        _require(all(old[key] == new[key] for key in fixed), "sections keep name, type and links")
        if new["sh_type"] not in ("SHT_NOBITS", "SHT_NULL"):
            _require(new["sh_offset"] + new["sh_size"] <= after.size, "sections end within the file")
        if old["sh_type"] == "SHT_STRTAB" and old["sh_addr"] == old_table:
            _require(new["sh_addr"] == table, "the section header of the string table follows DT_STRTAB")
            _require(new["sh_size"] == after.number("DT_STRSZ") or new == old, "and DT_STRSZ")
        elif old["sh_type"] != "SHT_DYNAMIC":
            _require(
                new["sh_addr"] == old["sh_addr"] and new["sh_size"] == old["sh_size"], "sections keep their address"
            )
        if _takes_memory(old) and _section_segment(before, old) is not None:
            number = _section_segment(after, new)
            _require(number is not None, "every allocated section lies in a PT_LOAD")
            assert number is not None
            segment = after.loads()[number]
            at_place = new["sh_offset"] - segment["p_offset"] == new["sh_addr"] - segment["p_vaddr"]
            _require(at_place or new["sh_type"] == "SHT_NOBITS", "a section's offset and address agree")
    occupied = {_section_segment(before, section) for section in before.sections if _takes_memory(section)}
    still = {_section_segment(after, section) for section in after.sections if _takes_memory(section)}
    _require(occupied - {None} <= still, "no PT_LOAD lost its last section")


def _takes_memory(section: _Record) -> bool:
    thread_zeros = section["sh_type"] == "SHT_NOBITS" and section["sh_flags"] & c.SHF_TLS
    return bool(section["sh_flags"] & c.SHF_ALLOC and section["sh_size"] and not thread_zeros)


def _section_segment(reading: _Reading, section: _Record) -> int | None:
    """The number, among the PT_LOADs, of the one that holds the section."""
    for number, segment in enumerate(reading.loads()):
        if 0 <= section["sh_addr"] - segment["p_vaddr"] <= segment["p_memsz"] - section["sh_size"]:
            return number
    return None


def _check_strings(old: bytes, new: bytes, patched: BinaryIO, result: Image) -> None:
    """Names of symbols and defined versions read as before, and all other indices lie in the table."""
    if new.startswith(old):
        return
    header = read_header(patched)[1]
    used = symbol_references(patched, result, read_sections(patched, result, header), header.shstrndx)
    if used is None:
        raise _ViolatedError("not true: all users of the changed string table are known")
    _require(max(used, default=0) < len(new), "the names of symbols lie in the table")
    same = bisect.bisect_left(range(len(old)), True, key=lambda length: old[: length + 1] != new[: length + 1])
    start = old.rfind(b"\0", 0, same) + 1
    for index in {index for index in used if index >= start}:
        end = old.find(b"\0", index)
        _require(new[index : end + 1] == old[index : end + 1], f"the name at index {index} is unchanged")


def _check_versions(before: tuple[VersionNeed, ...], after: tuple[VersionNeed, ...], edits: Edits) -> None:
    wanted = tuple(VersionNeed(edits.needed.get(need.library, need.library), need.version) for need in before)
    _require(after == wanted, "needed versions are unchanged")


def _check_idempotence(patched: BinaryIO, result: Image, edits: Edits) -> None:
    from bundler.binaries.elf.planner import lay_out

    try:
        again = lay_out(patched, result, edits)
    except BundlerError as error:
        raise _ViolatedError(f"the same edits cannot be planned again: {error}") from error
    _require(again is None, "the same edits change nothing more")
