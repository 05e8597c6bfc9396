"""What must be true of every patched file, checked by reading the result with another reader (pyelftools).

A violated invariant raises CannotPatch, so that nobody ever sees a broken file.
"""

from __future__ import annotations

import bisect
import itertools
import os
from collections.abc import Iterator
from typing import BinaryIO

from elftools.common.exceptions import ELFError

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import Edits, PatchPlan, Tier, Unchanged
from bundler.binaries.elf.image import Image, read_header, read_image
from bundler.binaries.elf.reading import (
    Reading,
    Record,
    ViolatedError,
    holder_of,
    read,
    require,
    section_segment,
    takes_memory,
)
from bundler.binaries.elf.references import symbol_names, symbol_references
from bundler.binaries.elf.sections import read_sections
from bundler.binaries.elf.versions import VersionNeed, version_needs
from bundler.binaries.elf.wishes import Wish, wish
from bundler.binaries.patch import Patch, Range
from bundler.binaries.view import open_patched
from bundler.errors import BinaryFormatError, BundlerError, CannotPatch

_PATH_TAGS = frozenset({"DT_RPATH", "DT_RUNPATH"})
_OTHER_NAME_TAGS = frozenset({"DT_AUXILIARY", "DT_FILTER", "DT_AUDIT", "DT_DEPAUDIT", "DT_CONFIG"})
_STRING_TAGS = {"DT_NEEDED", "DT_SONAME"} | _PATH_TAGS | _OTHER_NAME_TAGS
_TABLE_TAGS = ("DT_STRTAB", "DT_STRSZ")
_VERSION_TAGS = ("DT_VERNEED", "DT_VERNEEDNUM", "DT_VERSYM")
_PLACE = frozenset({"p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz"})
_MOVABLE = frozenset({"PT_DYNAMIC", "PT_INTERP"})
_LARGEST_PAGE = 16 << 20


def check_result(file: BinaryIO, image: Image, edits: Edits, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `file` and compare it with the original.

    Raises CannotPatch with the first invariant that does not hold.
    """
    wanted = wish(edits)
    try:
        patched = open_patched(file, plan.patch)
        known: dict[tuple[str, bytes], Record] = {}
        before, after = read(file, image.size, known), read(patched, plan.patch.size, known)
        _check_program_headers(before, after, image, plan.tier)
        _check_contents_stay(before, after, plan.patch)
        _check_dynamic(before, after, wanted)
        _check_sections(before, after, plan.tier)
        result = read_image(patched)
        _check_interpreter(image, result, wanted)
        _check_strings(before.strings, after.strings, patched, result)
        _check_versions(file, image, patched, result, wanted)
        _check_idempotence(patched, result, edits)
    except ViolatedError as error:
        raise CannotPatch(f"the patched file would be wrong: {error} ({plan.explanation})") from error
    except (ELFError, BinaryFormatError, EOFError) as error:
        raise CannotPatch(f"the patched file cannot be read: {error} ({plan.explanation})") from error


def _check_program_headers(before: Reading, after: Reading, image: Image, tier: Tier) -> None:
    added = len(after.segments) - len(before.segments)
    require(added == (tier is Tier.T3), "there is a new segment in T3, and none else")
    changeable = {"e_shoff", "e_shnum", *(("e_phoff", "e_phnum") if added else ())}
    for name in before.header:
        require(name in changeable or before.header[name] == after.header[name], f"{name} is unchanged")
    for old, new in zip(before.segments, after.segments, strict=False):
        kind = old["p_type"]
        moves = kind in _MOVABLE or (kind == "PT_PHDR" and added)
        changes = _PLACE if moves else {"p_offset", "p_filesz", "p_memsz"}
        require(all(old[k] == new[k] for k in old if k not in changes), "segments keep type, address, flags")
        require(new["p_offset"] + new["p_filesz"] <= after.size or new == old, "segments end within the file")
        require(new["p_memsz"] >= new["p_filesz"] or old["p_memsz"] < old["p_filesz"], "memsz covers filesz")
        if kind == "PT_LOAD":
            congruent = _congruent(new)
            require(congruent or not _congruent(old), "address and offset agree")
            require(new["p_memsz"] >= old["p_memsz"] and new["p_filesz"] >= old["p_filesz"], "segments only grow")
        elif moves and new != old:
            holder = holder_of(after, new["p_vaddr"], new["p_filesz"])
            if holder is None:
                raise ViolatedError(f"not true: {kind} lies in a PT_LOAD")
            same = new["p_offset"] - holder["p_offset"] == new["p_vaddr"] - holder["p_vaddr"]
            require(same, f"the offset and address of {kind} agree")
        if kind == "PT_DYNAMIC":
            room = new["p_filesz"] // image.structures.dynamic.size
            require(len(after.dynamic) < room or old == new, "DT_NULL ends the dynamic section")
        if kind == "PT_PHDR" and added:
            require(new["p_offset"] == after.header["e_phoff"], "PT_PHDR names the program headers")
    if added:
        _check_new_segment(before, after, image)
    page = c.PAGE_SIZES.get(image.machine, 0x1000)
    page = max([page, *(s["p_align"] for s in before.loads() if s["p_align"] <= _LARGEST_PAGE)])
    require(_overlaps(after, page) <= _overlaps(before, page), "no two segments share a page that did not before")
    require(_overlaps(after, 1) <= _overlaps(before, 1), "no two segments overlap")


def _check_new_segment(before: Reading, after: Reading, image: Image) -> None:
    new, loads = after.segments[-1], before.loads()
    require(new["p_type"] == "PT_LOAD" and _congruent(new), "the new segment can be loaded")
    require(new["p_offset"] + new["p_filesz"] <= after.size, "the new segment ends within the file")
    require(all(new["p_vaddr"] > old["p_vaddr"] for old in loads), "segments are in the order of their addresses")
    size = len(after.segments) * image.structures.segment.size
    inside = new["p_offset"] <= after.header["e_phoff"] <= new["p_offset"] + new["p_filesz"] - size
    require(inside, "the program headers lie in the new segment")
    if image.interpreter is not None or image.type == c.ET_EXEC:
        first = min(loads, key=lambda old: int(old["p_vaddr"]))
        pinned = new["p_vaddr"] - first["p_vaddr"] == new["p_offset"] - first["p_offset"]
        require(pinned, "old kernels find the program headers")


def _congruent(segment: Record) -> bool:
    return bool((segment["p_vaddr"] - segment["p_offset"]) % max(1, segment["p_align"]) == 0)


def _overlaps(reading: Reading, page: int) -> set[int]:
    """The numbers of the PT_LOADs that begin before the one in front of them ends, counted in pages."""
    loads = reading.loads()
    return {
        number
        for number, (low, high) in enumerate(itertools.pairwise(loads))
        if high["p_vaddr"] // page * page < low["p_vaddr"] + low["p_memsz"]
    }


def _check_contents_stay(before: Reading, after: Reading, patch: Patch) -> None:
    """Bytes that the loader maps and that the patch keeps are found at their old address."""
    position = 0
    loads = list(zip(before.loads(), after.loads(), strict=False))
    for piece in patch.pieces:
        if isinstance(piece, Range):
            for old, new in loads:
                start = max(piece.offset, old["p_offset"])
                if start < min(piece.offset + piece.length, old["p_offset"] + old["p_filesz"]):
                    at = position + start - piece.offset
                    require(at - new["p_offset"] == start - old["p_offset"], "mapped bytes keep their address")
        position += piece.length


def _check_dynamic(before: Reading, after: Reading, wanted: Wish) -> None:
    needed = after.texts("DT_NEEDED")
    require(needed == wanted.needed(before.texts("DT_NEEDED")), "the needed libraries are the wanted ones, in order")
    rpath = wanted.rpath
    for tag in sorted(_OTHER_NAME_TAGS | (_PATH_TAGS if isinstance(rpath, Unchanged) else frozenset())):
        require(after.texts(tag) == before.texts(tag), f"{tag} is unchanged")
    soname = before.texts("DT_SONAME")
    if not isinstance(wanted.soname, Unchanged):
        soname = [wanted.soname] * max(1, len(soname))
    require(after.texts("DT_SONAME") == soname, "DT_SONAME is the wanted one")
    if not isinstance(rpath, Unchanged):
        tag, other = ("DT_RPATH", "DT_RUNPATH")[:: 1 if wanted.path_tag == c.DT_RPATH else -1]
        require(after.texts(tag) == ([] if rpath is None else [rpath]), f"{tag} is the wanted one")
        require(not after.texts(other), f"there is no {other}")
    may_change = _VERSION_TAGS if wanted.removed or wanted.unversioned else ()
    old, new = ([n for n in _numbers(reading) if n[0] not in may_change] for reading in (before, after))
    require(old == new, "tags without strings are unchanged")


def _numbers(reading: Reading) -> Iterator[tuple[str | int, int]]:
    """The tags that no edit may touch."""
    for tag, value in reading.dynamic:
        if tag not in _STRING_TAGS and tag not in _TABLE_TAGS:
            yield tag, 0 if tag in ("DT_MIPS_RLD_MAP_REL", c.DT_MIPS_RLD_MAP_REL) else value


def _check_sections(before: Reading, after: Reading, tier: Tier) -> None:
    if before.raw_sections == after.raw_sections and before.segments == after.segments:
        return
    old_loads, loads = before.loads(), after.loads()
    old_table, table = before.number("DT_STRTAB"), after.number("DT_STRTAB")
    interpreter = next((s["p_vaddr"] for s in before.segments if s["p_type"] == "PT_INTERP"), None)
    require(len(after.sections) >= len(before.sections), "no section is lost")
    for old, new in zip(before.sections, after.sections, strict=False):
        free = {"sh_offset", "sh_addr", "sh_size"}
        if old["sh_type"] == "SHT_GNU_verneed":
            free |= {"sh_info"} if new["sh_info"] else {"sh_info", "sh_link", "sh_type"}
        if old["sh_type"] == "SHT_GNU_versym" and "DT_VERSYM" not in dict(after.dynamic):
            free |= {"sh_link", "sh_type"}
        require(all(old[key] == new[key] for key in old if key not in free), "sections keep name, type and links")
        if new["sh_type"] not in ("SHT_NOBITS", "SHT_NULL"):
            require(new["sh_offset"] + new["sh_size"] <= after.size, "sections end within the file")
        if old["sh_type"] == "SHT_STRTAB" and old["sh_addr"] == old_table:
            require(new["sh_addr"] == table, "the section header of the string table follows DT_STRTAB")
            require(new["sh_size"] == after.number("DT_STRSZ") or new == old, "and DT_STRSZ")
        elif old["sh_type"] != "SHT_DYNAMIC" and old["sh_addr"] != interpreter:
            same = new["sh_addr"] == old["sh_addr"] and new["sh_size"] == old["sh_size"]
            require(same, "sections keep their address")
        if takes_memory(old) and section_segment(old_loads, old) is not None:
            number = section_segment(loads, new)
            if number is None:
                raise ViolatedError("not true: every allocated section lies in a PT_LOAD")
            segment = loads[number]
            at_place = new["sh_offset"] - segment["p_offset"] == new["sh_addr"] - segment["p_vaddr"]
            require(at_place or new["sh_type"] == "SHT_NOBITS", "a section's offset and address agree")
    occupied = {section_segment(old_loads, section) for section in before.sections if takes_memory(section)}
    still = {section_segment(loads, section) for section in after.sections if takes_memory(section)}
    require(tier is Tier.T3 or occupied - {None} <= still, "no PT_LOAD lost its last section")


def _check_interpreter(before: Image, after: Image, wanted: Wish) -> None:
    expected = before.interpreter if isinstance(wanted.interpreter, Unchanged) else os.fsdecode(wanted.interpreter)
    require(after.interpreter == expected, "the interpreter is the wanted one")


def _check_strings(old: bytes, new: bytes, patched: BinaryIO, result: Image) -> None:
    """Names of symbols and defined versions read as before, and all other indices lie in the table."""
    if new.startswith(old):
        return
    header = read_header(patched)[1]
    used = symbol_references(patched, result, read_sections(patched, result, header), header.shstrndx)
    if used is None:
        raise ViolatedError("not true: all users of the changed string table are known")
    require(max(used, default=0) < len(new), "the names of symbols lie in the table")
    same = bisect.bisect_left(range(len(old)), True, key=lambda length: old[: length + 1] != new[: length + 1])
    start = old.rfind(b"\0", 0, same) + 1
    for index in {index for index in used if index >= start}:
        end = old.find(b"\0", index)
        require(new[index : end + 1] == old[index : end + 1], f"the name at index {index} is unchanged")


def _check_versions(file: BinaryIO, image: Image, patched: BinaryIO, result: Image, wanted: Wish) -> None:
    """The versions needed are the wanted ones, and no symbol lost one that it was to keep."""
    before, after = version_needs(file, image), version_needs(patched, result)
    removed = {os.fsdecode(name) for name in wanted.removed} & {*image.needed}
    names = {os.fsdecode(old): os.fsdecode(new) for old, new in wanted.names.items()}
    expected = [VersionNeed(names.get(n.library, n.library), n.version) for n in before if n.library not in removed]
    if not wanted.unversioned:
        require(list(after) == expected, "needed versions are the wanted ones")
    else:
        remaining = iter(expected)
        require(all(need in remaining for need in after), "no version is needed that was not before")
    if not (removed or wanted.unversioned):
        return
    tables = (c.DT_VERNEED, c.DT_VERDEF)
    if image.entry(c.DT_VERSYM) is not None and result.entry(c.DT_VERSYM) is None:
        require(all(result.entry(tag) is None for tag in tables), "without versions of symbols there are none at all")
        return
    if image.entry(c.DT_VERSYM) is not None:
        require(any(result.entry(tag) is not None for tag in tables), "versions of symbols mean some version")
    sections = read_sections(patched, result, read_header(patched)[1])
    count = len(symbol_names(patched, result, sections) or ())
    old, new = (_symbol_versions(*of, count) for of in ((file, image), (patched, result)))
    require(all(b in (a, c.VER_NDX_GLOBAL) for a, b in zip(old, new, strict=True)), "symbols keep or lose versions")


def _symbol_versions(file: BinaryIO, image: Image, count: int) -> list[int]:
    half, address = image.structures.half, image.entry(c.DT_VERSYM)
    offset = None if address is None else image.offset_of(address, half.size * count)
    if offset is None:
        return []
    file.seek(offset)
    return [number for (number,) in half.iter_unpack(file.read(half.size * count))]


def _check_idempotence(patched: BinaryIO, result: Image, edits: Edits) -> None:
    from bundler.binaries.elf.planner import lay_out

    try:
        again = lay_out(patched, result, edits)
    except BundlerError as error:
        raise ViolatedError(f"the same edits cannot be planned again: {error}") from error
    require(again is None, "the same edits change nothing more")
