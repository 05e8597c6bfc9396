"""What must be true of every patched file, checked by reading the result again.

A violated invariant raises CannotPatch, so that nobody ever sees a broken file. The checksum is not among them: it is made when
the file is written.
"""

from __future__ import annotations

import dataclasses
from typing import BinaryIO

from bundler.binaries.invariants import ViolatedError, require
from bundler.binaries.patch import Computed, Literal, Patch, Range, Zeros
from bundler.binaries.pe import constants as c
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.draft import plan_unchecked
from bundler.binaries.pe.edits import Edits, PatchPlan, Renaming
from bundler.binaries.pe.image import Directory, Headers, Image, ImportedDll, Section, read_image
from bundler.binaries.pe.room import contents_end
from bundler.errors import BinaryFormatError, CannotPatch
from bundler.machine import os

_OF_NAMES = {False: (1, 2, 3), True: (1, 7)}
"""Fields of a descriptor that may change, by whether the DLL is delayed: the name, and what binds it."""
_MAY_CHANGE = frozenset({c.EXPORT, c.SECURITY, c.BOUND_IMPORT})


def check_result(file: BinaryIO, image: Image, edits: Edits, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `file` and compare it with the original.

    Raises CannotPatch with the first invariant that does not hold.
    """
    patched = plan.patch.without_computed().open(file)
    try:
        result = read_image(patched)
        require(result.size == plan.patch.size, "the new file has the size that its patch has")
        _check_headers(image.headers, result.headers)
        _check_sections(image.headers, result.headers)
        _check_names(image, result, Renaming(edits))
        _check_contents(image, result, plan.patch)
        require(plan_unchecked(patched, result, edits) is None, "doing it again changes nothing")
    except (ViolatedError, BinaryFormatError, EOFError) as error:
        raise CannotPatch(f"the result would not be sound: {error}") from error


def _check_headers(old: Headers, new: Headers) -> None:
    """All fields are as they were, but for sizes and the tables that move or go."""
    for field in dataclasses.fields(Headers):
        if field.name not in ("size", "size_of_image", "checksum", "directories", "sections"):
            require(getattr(old, field.name) == getattr(new, field.name), f"{field.name} stays as it is")
    require(len(old.directories) == len(new.directories), "every data directory is there")
    for number, (before, after) in enumerate(zip(old.directories, new.directories, strict=True)):
        require(before == after or number in _MAY_CHANGE, f"data directory {number} stays as it is")
    require(new.directory(c.SECURITY) == Directory(0, 0), "a changed file has no signature")
    require(new.directory(c.BOUND_IMPORT) == Directory(0, 0), "a changed file is bound to nothing")
    require(new.section_table_end <= new.size_of_headers, "the headers end where they say")


def _check_sections(old: Headers, new: Headers) -> None:
    more = len(new.sections) - len(old.sections)
    require(0 <= more <= 1, "every section is there, and one more at most")
    for before, after in zip(old.sections, new.sections, strict=False):
        grown = dataclasses.replace(before, virtual_size=after.virtual_size)
        require(grown == after and before.virtual_size <= after.virtual_size, "sections stay where they are")
        require(after == before or after.virtual_size <= after.raw_size, "a section grows within its bytes of the file")
    if more:
        last = new.sections[-1]
        require(last.raw_offset >= old.contents_end, "a new section lies behind all others")
        require(last.raw_offset % new.file_alignment == 0, "a new section is aligned in the file")
        require(last.address % new.section_alignment == 0, "a new section is aligned in memory")
        require(last.end == new.size, "a new section ends the file")
    end = max((section.address + section.memory for section in new.sections), default=0)
    whole = -(-end // new.section_alignment) * new.section_alignment
    require(new.size_of_image == max(whole, old.size_of_image), "the size in memory is that of all sections")


def _check_names(old: Image, new: Image, renaming: Renaming) -> None:
    require(
        [(dll.delayed, renaming.of_dll(dll.name)) for dll in old.imports]
        == [(dll.delayed, dll.name) for dll in new.imports],
        "DLLs keep their order and get the names asked for",
    )
    for before, after in zip(old.imports, new.imports, strict=True):
        require(_rest(before) == _rest(after), f"what is imported from {before.name} stays as it is")
        require(after.delayed or not after.bound, f"{after.name} is not bound")
    require((old.exports is None) == (new.exports is None), "exports stay")
    if old.exports is not None and new.exports is not None:
        require(old.exports.directory == new.exports.directory, "the export directory keeps its tables")
        require(old.exports.name == new.exports.name, "the file keeps its own name")
        require(
            [(each.number, renaming.of_forwarder(each.text)) for each in old.exports.forwarders]
            == [(each.number, each.text) for each in new.exports.forwarders],
            "forwarded exports lead where they shall",
        )
    require(old.load_config == new.load_config, "the load config stays as it is")


def _rest(dll: ImportedDll) -> tuple[object, ...]:
    """Where the descriptor is, and its fields that no new name changes."""
    fields = [value for number, value in enumerate(dll.descriptor) if number not in _OF_NAMES[dll.delayed]]
    return dll.offset, dll.delayed, *fields


def _check_contents(old: Image, new: Image, patch: Patch) -> None:
    """Every byte comes from its old place, but for those that the names, headers and tables may change."""
    allowed = _changeable(old, new)
    position = 0
    for piece in patch.pieces:
        end = position + piece.length
        match piece:
            case Range(offset, _):
                require(offset == position, "bytes stay where they are")
            case Computed():
                require(position == old.headers.optional_offset + s.CHECKSUM, "the checksum alone is computed")
            case Literal() | Zeros():
                require(
                    any(low <= position and end <= high for low, high in allowed),
                    f"{piece.length} bytes at offset {position} belong to no name, header or table",
                )
        position = end
    require(position >= contents_end(old.headers), "all contents are kept")


def _changeable(old: Image, new: Image) -> list[tuple[int, int]]:
    """Ranges of offsets that may change; those that touch are one."""
    headers = old.headers
    found = [(headers.pe_offset, new.headers.section_table_end)]
    for dll in old.imports:
        size = s.DELAY_DESCRIPTOR.size if dll.delayed else s.IMPORT_DESCRIPTOR.size
        found += [(dll.offset, dll.offset + size), _text(headers, dll.name_address, dll.name)]
    if old.exports is not None and old.exports.forwarders:
        table = headers.place(old.exports.directory[8], "the table of exported functions")[0]
        found.append((table, table + 4 * old.exports.directory[6]))
        found += [_text(headers, each.address, each.text) for each in old.exports.forwarders]
    for number, section in enumerate(new.headers.sections):
        before = headers.sections[number] if number < len(headers.sections) else None
        found.append(_grown(before, section, contents_end(headers)))
    ranges: list[tuple[int, int]] = []
    for low, high in sorted(found):
        if ranges and low <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(high, ranges[-1][1]))
        else:
            ranges.append((low, high))
    return ranges


def _text(headers: Headers, address: int, text: str) -> tuple[int, int]:
    place = headers.place(address, "a name")[0]
    return place, place + len(os.fsencode(text)) + 1


def _grown(before: Section | None, after: Section, end: int) -> tuple[int, int]:
    """The bytes by which a section grew; of a new one all, with the gap in front of it."""
    if before is None:
        return end, after.end
    return after.raw_offset + before.virtual_size, after.raw_offset + after.virtual_size
