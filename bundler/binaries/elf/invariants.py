"""What must be true of every patched file: the result is read again from its bytes, and compared with the original.

A violated invariant raises CannotPatch, so that nobody ever sees a broken file. The tests hold what is read here
against pyelftools.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Collection, Sequence

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.edits import PatchPlan, Tier, Unchanged
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.header_edits import HeaderEdits, header_edits
from bundler.binaries.elf.image import IDENT_SIZE, Image, read_image
from bundler.binaries.elf.parsed_file import ParsedFile, parse_file
from bundler.binaries.elf.references import symbol_names, symbol_references
from bundler.binaries.elf.sections import takes_memory
from bundler.binaries.elf.soundness import damage_of
from bundler.binaries.elf.structs import DynamicEntry, Section, Segment
from bundler.binaries.elf.tiers import plan_unchecked
from bundler.binaries.elf.versions import need_records
from bundler.binaries.invariants import ViolatedError, require
from bundler.binaries.patch import Patch, Range
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, BundlerError, CannotPatch
from bundler.machine import os

_PATH_TAGS = {c.DT_RPATH: "DT_RPATH", c.DT_RUNPATH: "DT_RUNPATH"}
_OTHER_NAME_TAGS = c.STRING_TAGS - {c.DT_NEEDED, c.DT_SONAME, *_PATH_TAGS, c.DT_OWN_RPATH}
_TABLE_TAGS = frozenset({c.DT_STRTAB, c.DT_STRSZ})
_VERSION_TAGS = frozenset({c.DT_VERNEED, c.DT_VERNEEDNUM, c.DT_VERSYM})
_MOVABLE = {c.PT_DYNAMIC: "PT_DYNAMIC", c.PT_INTERP: "PT_INTERP"}


def check_result(before: ParsedFile, wanted: EncodedEdits, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `before` and compare it with the original.

    Raises CannotPatch with the first invariant that does not hold; BinaryFormatError where the original is damaged
    itself.
    """
    try:
        patched = plan.patch.open(before.file)
        after = parse_file(patched, read_image(patched))
        headers = header_edits(before.file, before.image, wanted)
        _check_program_headers(before, after, plan.tier, headers)
        _check_contents_stay(before, after, plan.patch)
        _check_dynamic(before, after, wanted)
        _check_sections(before, after, plan.tier)
        _check_interpreter(before.image, after.image, wanted)
        _check_strings(before.table.data, after)
        _check_versions(before, after, wanted)
        _check_idempotence(after, wanted)
    except (ViolatedError, BinaryFormatError, EOFError) as error:
        damage = damage_of(before)
        if damage is not None:
            raise BinaryFormatError(f"the file is damaged: {damage}") from error
        what = "would be wrong" if isinstance(error, ViolatedError) else "cannot be read"
        raise CannotPatch(f"the patched file {what}: {error} ({plan.explanation})") from error


def _check_program_headers(before: ParsedFile, after: ParsedFile, tier: Tier, headers: HeaderEdits) -> None:
    segments = after.image.segments
    old_segments = [
        segment._replace(flags=headers.flags.get(number, segment.flags))
        for number, segment in enumerate(before.image.segments)
    ]
    added = len(segments) - len(old_segments)
    require(added == (tier is Tier.T3), "there is a new segment in T3, and none else")
    _check_file_header(before, after, bool(added))
    for old, new in zip(old_segments, segments, strict=False):
        if new == old:
            continue
        moves = old.type in _MOVABLE or (old.type == c.PT_PHDR and added)
        kept = old._replace(offset=new.offset, filesz=new.filesz, memsz=new.memsz)
        if moves:
            kept = kept._replace(vaddr=new.vaddr, paddr=new.paddr)
        require(kept == new, "segments keep type, address, flags")
        require(new.offset + new.filesz <= after.image.size, "segments end within the file")
        require(new.memsz >= new.filesz or old.memsz < old.filesz, "memsz covers filesz")
        if old.type == c.PT_LOAD:
            require(_congruent(new) or not _congruent(old), "address and offset agree")
            require(new.memsz >= old.memsz and new.filesz >= old.filesz, "segments only grow")
        elif moves:
            name = _MOVABLE.get(old.type, "PT_PHDR")
            require(any(_holds(load, new.vaddr, new.filesz) for load in _loads(segments)), f"{name} lies in a PT_LOAD")
            require(after.image.offset_of(new.vaddr) == new.offset, f"the offset and address of {name} agree")
        if old.type == c.PT_DYNAMIC:
            room = new.filesz // after.image.structures.dynamic.size
            require(len(after.image.dynamic or ()) < room, "DT_NULL ends the dynamic section")
    if added:
        for new in segments:
            require(new.type != c.PT_PHDR or new.offset == after.header.phoff, "PT_PHDR names the program headers")
        _check_new_segment(before, after)
    for page, claim in ((before.page_size, "no two segments share a page that did not before"), (1, "none overlap")):
        require(_overlaps(segments, page) <= _overlaps(old_segments, page), claim)


def _check_file_header(before: ParsedFile, after: ParsedFile, added: bool) -> None:
    idents = [read_at(parsed.file, 0, IDENT_SIZE, "the ELF identification") for parsed in (before, after)]
    require(idents[0] == idents[1], "e_ident is unchanged")
    changeable = {"shoff", "shnum", *(("phoff", "phnum") if added else ())}
    for name, old, new in zip(before.header._fields, before.header, after.header, strict=True):
        require(old == new or name in changeable, f"e_{name} is unchanged")


def _check_new_segment(before: ParsedFile, after: ParsedFile) -> None:
    new, loads, image = after.image.segments[-1], _loads(before.image.segments), before.image
    require(new.type == c.PT_LOAD and _congruent(new), "the new segment can be loaded")
    require(new.offset + new.filesz <= after.image.size, "the new segment ends within the file")
    require(all(new.vaddr > old.vaddr for old in loads), "segments are in the order of their addresses")
    size = len(after.image.segments) * image.structures.segment.size
    inside = new.offset <= after.header.phoff <= new.offset + new.filesz - size
    require(inside, "the program headers lie in the new segment")
    if image.interpreter is not None or image.type == c.ET_EXEC:
        first = min(loads, key=lambda old: old.vaddr)
        require(new.vaddr - first.vaddr == new.offset - first.offset, "old kernels find the program headers")


def _loads(segments: Sequence[Segment]) -> list[Segment]:
    """The PT_LOADs, in the table's order."""
    return [segment for segment in segments if segment.type == c.PT_LOAD]


def _holds(load: Segment, address: int, length: int) -> bool:
    """Whether the PT_LOAD has the bytes in the file."""
    return 0 <= address - load.vaddr <= load.filesz - length


def _congruent(segment: Segment) -> bool:
    return (segment.vaddr - segment.offset) % max(1, segment.align) == 0


def _overlaps(segments: Sequence[Segment], page: int) -> set[int]:
    """The numbers of the PT_LOADs that begin before the one in front of them ends, counted in pages."""
    return {
        number
        for number, (low, high) in enumerate(itertools.pairwise(_loads(segments)))
        if high.vaddr // page * page < low.vaddr + low.memsz
    }


def _check_contents_stay(before: ParsedFile, after: ParsedFile, patch: Patch) -> None:
    """Bytes that the loader maps and that the patch keeps are found at their old address."""
    position = 0
    loads = list(zip(_loads(before.image.segments), _loads(after.image.segments), strict=False))
    for piece in patch.pieces:
        if isinstance(piece, Range):
            for old, new in loads:
                start = max(piece.offset, old.offset)
                if start < min(piece.offset + piece.length, old.offset + old.filesz):
                    at = position + start - piece.offset
                    require(at - new.offset == start - old.offset, "mapped bytes keep their address")
        position += piece.length


def _check_dynamic(before: ParsedFile, after: ParsedFile, wanted: EncodedEdits) -> None:
    texts, old_texts = _texts(after), _texts(before)
    needed = [text for tag, text in texts if tag == c.DT_NEEDED]
    old_needed = [text for tag, text in old_texts if tag == c.DT_NEEDED]
    require(needed == wanted.needed(old_needed), "the needed libraries are the wanted ones, in order")
    same = _OTHER_NAME_TAGS | ({*_PATH_TAGS} if isinstance(wanted.rpath, Unchanged) else set())
    kept, old_kept = ([each for each in found if each[0] in same] for found in (texts, old_texts))
    require(kept == old_kept, "other names are unchanged")
    soname = [text for tag, text in old_texts if tag == c.DT_SONAME]
    if not isinstance(wanted.soname, Unchanged):
        soname = [wanted.soname] * max(1, len(soname))
    require([text for tag, text in texts if tag == c.DT_SONAME] == soname, "DT_SONAME is the wanted one")
    if not isinstance(wanted.rpath, Unchanged):
        paths = [each for each in texts if each[0] in _PATH_TAGS]
        expected = [] if wanted.rpath is None else [(wanted.path_tag, wanted.rpath)]
        require(paths == expected, f"{_PATH_TAGS[wanted.path_tag]} is the wanted one, and the only search path")
    own_path = [text for tag, text in old_texts if tag == c.DT_OWN_RPATH][-1:]
    if not isinstance(wanted.own_rpath, Unchanged):
        own_path = [] if wanted.own_rpath is None else [wanted.own_rpath]
    found = [text for tag, text in texts if tag == c.DT_OWN_RPATH]
    require(found == own_path, "the second search path is the wanted one")
    require(not found or (after.image.dynamic or ())[-1].tag == c.DT_OWN_RPATH, "and the last entry")
    may_change = _VERSION_TAGS if wanted.removed or wanted.unversioned else frozenset[int]()
    require(_numbers(before, may_change) == _numbers(after, may_change), "tags without strings are unchanged")


def _texts(parsed: ParsedFile) -> list[tuple[int, bytes]]:
    """The tags that name strings, and these, in order."""
    text = parsed.table.text
    return [(tag, text(value)) for tag, value in parsed.image.dynamic or () if tag in c.STRING_TAGS]


def _numbers(parsed: ParsedFile, but: Collection[int]) -> list[DynamicEntry]:
    """The tags that no edit may touch; one that counts from its own place changes its number."""
    may_change = {*c.STRING_TAGS, *_TABLE_TAGS, *but}
    return [
        entry if entry.tag != c.DT_MIPS_RLD_MAP_REL else entry._replace(value=0)
        for entry in parsed.image.dynamic or ()
        if entry.tag not in may_change
    ]


def _check_sections(before: ParsedFile, after: ParsedFile, tier: Tier) -> None:
    old_sections, sections = before.sections.sections, after.sections.sections
    old_loads, loads = _loads(before.image.segments), _loads(after.image.segments)
    require(len(sections) >= len(old_sections), "no section is lost")
    interpreter = before.interpreter_segment
    special = None if interpreter is None else before.image.segments[interpreter].vaddr
    stays = [(s.offset, s.vaddr) for s in old_loads] == [(s.offset, s.vaddr) for s in loads[: len(old_loads)]]
    for old, new in zip(old_sections, sections, strict=False):
        is_table = old.type == c.SHT_STRTAB and old.addr == before.table.address
        if old == new and stays and not is_table:
            continue
        free = {"offset": new.offset, "addr": new.addr, "size": new.size, **_version_fields(old, new, after)}
        require(old._replace(**free) == new, "sections keep name, type and links")
        if new.type not in (c.SHT_NOBITS, c.SHT_NULL):
            require(new.offset + new.size <= after.image.size, "sections end within the file")
        if is_table:
            require(new.addr == after.table.address, "the section header of the string table follows DT_STRTAB")
            require(new.size == len(after.table.data) or new == old, "and DT_STRSZ")
        elif old.type != c.SHT_DYNAMIC and old.addr != special:
            require((new.addr, new.size) == (old.addr, old.size), "sections keep their address")
        if takes_memory(old) and _holder(old_loads, old) is not None:
            segment = _holder(loads, new)
            if segment is None:
                raise ViolatedError("not true: every allocated section lies in a PT_LOAD")
            at_place = new.offset - segment.offset == new.addr - segment.vaddr
            require(at_place or new.type == c.SHT_NOBITS, "a section's offset and address agree")
    if tier is not Tier.T3:
        require(before.holders <= after.holders, "no PT_LOAD lost its last section")


def _version_fields(old: Section, new: Section, after: ParsedFile) -> dict[str, int]:
    """The fields that may change in a section of symbol versions: the count of its records, and all where they are gone."""
    if old.type == c.SHT_GNU_VERNEED:
        return {"info": new.info} if new.info else {"info": new.info, "link": new.link, "type": new.type}
    if old.type == c.SHT_GNU_VERSYM and after.image.entry(c.DT_VERSYM) is None:
        return {"link": new.link, "type": new.type}
    return {}


def _holder(loads: Sequence[Segment], section: Section) -> Segment | None:
    """The PT_LOAD that holds the whole section."""
    return next((load for load in loads if 0 <= section.addr - load.vaddr <= load.memsz - section.size), None)


def _check_interpreter(before: Image, after: Image, wanted: EncodedEdits) -> None:
    expected = before.interpreter if isinstance(wanted.interpreter, Unchanged) else os.fsdecode(wanted.interpreter)
    require(after.interpreter == expected, "the interpreter is the wanted one")


def _check_strings(old: bytes, after: ParsedFile) -> None:
    """Names of symbols and defined versions read as before, and all other indices lie in the table."""
    new = after.table.data
    if new.startswith(old):
        return
    used = symbol_references(after.file, after.image, after.sections, after.header.shstrndx)
    if used is None:
        raise ViolatedError("not true: all users of the changed string table are known")
    require(max(used, default=0) < len(new), "the names of symbols lie in the table")
    same = bisect.bisect_left(range(len(old)), True, key=lambda length: old[: length + 1] != new[: length + 1])
    start = old.rfind(b"\0", 0, same) + 1
    for index in {index for index in used if index >= start}:
        end = old.find(b"\0", index)
        require(new[index : end + 1] == old[index : end + 1], f"the name at index {index} is unchanged")


def _check_versions(before: ParsedFile, after: ParsedFile, wanted: EncodedEdits) -> None:
    """The versions needed are the wanted ones, and no symbol lost one that it was to keep."""
    image, result = before.image, after.image
    needed = {text for tag, text in _texts(before) if tag == c.DT_NEEDED}
    removed = wanted.removed & needed
    expected = [
        (wanted.names.get(library, library), version)
        for library, version in _version_needs(before)
        if library not in removed
    ]
    found = _version_needs(after)
    if not wanted.unversioned:
        require(found == expected, "needed versions are the wanted ones")
    else:
        remaining = iter(expected)
        require(all(need in remaining for need in found), "no version is needed that was not before")
    if not (removed or wanted.unversioned):
        return
    tables = (c.DT_VERNEED, c.DT_VERDEF)
    if image.entry(c.DT_VERSYM) is not None and result.entry(c.DT_VERSYM) is None:
        require(all(result.entry(tag) is None for tag in tables), "without versions of symbols there are none at all")
        return
    if image.entry(c.DT_VERSYM) is not None:
        require(any(result.entry(tag) is not None for tag in tables), "versions of symbols mean some version")
    count = len(symbol_names(after.file, result, after.sections) or ())
    old, new = _symbol_versions(before, count), _symbol_versions(after, count)
    require(all(b in (a, c.VER_NDX_GLOBAL) for a, b in zip(old, new, strict=True)), "symbols keep or lose versions")


def _version_needs(parsed: ParsedFile) -> list[tuple[bytes, bytes]]:
    """The versions needed as (library, version), in the file's order."""
    text = parsed.table.text
    return [
        (text(record.need.file), text(version.name))
        for record in need_records(parsed.file, parsed.image)
        for version in record.versions
    ]


def _symbol_versions(parsed: ParsedFile, count: int) -> list[int]:
    half, address = parsed.image.structures.half, parsed.image.entry(c.DT_VERSYM)
    offset = None if address is None else parsed.image.offset_of(address, half.size * count)
    if offset is None:
        return []
    data = read_at(parsed.file, offset, half.size * count, "the table of symbol versions")
    return [number for (number,) in half.iter_unpack(data)]


def _check_idempotence(after: ParsedFile, wanted: EncodedEdits) -> None:
    try:
        again = plan_unchecked(after.file, after.image, wanted)
    except BundlerError as error:
        raise ViolatedError(f"the same edits cannot be planned again: {error}") from error
    require(again is None and not header_edits(after.file, after.image, wanted), "the same edits change nothing more")
