"""What is wrong with a file as it is, in what planning a patch need not look at.

Asked when a patch failed its checks: a fault that the original has is told as the original's, and not as the patch's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import IDENT_SIZE
from bundler.binaries.elf.parsed_file import ParsedFile
from bundler.binaries.elf.references import symbol_names, symbol_references
from bundler.binaries.elf.sections import takes_memory
from bundler.binaries.elf.versions import need_records
from bundler.errors import BinaryFormatError


def damage_of(parsed: ParsedFile) -> str | None:
    """The first thing found in which the file contradicts itself, in words; None for none. Changes nothing."""
    try:
        return next(_contradictions(parsed), None)
    except (BinaryFormatError, EOFError) as error:
        return str(error)


def _contradictions(parsed: ParsedFile) -> Iterator[str]:
    yield from _tables_over_tables(parsed)
    yield from _segments_over_segments(parsed)
    yield from _names_outside(parsed)
    yield from _misplaced(parsed)
    yield from _versions_of_nothing(parsed)


def _tables_over_tables(parsed: ParsedFile) -> Iterator[str]:
    """Headers and tables that lie one over the other."""
    layouts, header = parsed.image.structures, parsed.header
    dynamic = parsed.image.segments[parsed.dynamic_segment]
    parts = [
        ("the ELF header", 0, IDENT_SIZE + layouts.header.size),
        ("the program headers", header.phoff, header.phnum * layouts.segment.size),
        ("the section headers", parsed.sections.offset, len(parsed.sections.sections) * layouts.section.size),
        ("the dynamic section", parsed.dynamic_offset, dynamic.filesz),
        ("the string table", parsed.table.offset, len(parsed.table.data)),
    ]
    if (number := parsed.interpreter_segment) is not None:
        segment = parsed.image.segments[number]
        parts.append(("the interpreter's path", segment.offset, segment.filesz))
    parts += [
        ("a record of needed versions", record.offset, layouts.verneed.size)
        for record in need_records(parsed.file, parsed.image)
    ]
    laid = sorted((start, start + size, name) for name, start, size in parts if size)
    for (_, end, name), (start, _, other) in itertools.pairwise(laid):
        if start < end:
            yield f"{name} (to offset {end}) and {other} (from {start}) overlap"


def _segments_over_segments(parsed: ParsedFile) -> Iterator[str]:
    """Segments of which a byte of the file would be at two addresses, or no page could be mapped."""
    loads = [(number, parsed.image.segments[number]) for number in parsed.loads]
    for number, load in loads:
        if (load.vaddr - load.offset) % max(1, load.align):
            yield f"the address and the offset of segment {number} do not agree on its alignment of {load.align}"
    by_offset = sorted(((load.offset, load.offset + load.filesz, number) for number, load in loads if load.filesz))
    for (_, end, number), (start, _, other) in itertools.pairwise(by_offset):
        if start < end:
            yield f"segment {number} ends at offset {end}, and segment {other} begins at {start}"
    for (number, low), (other, high) in itertools.pairwise(loads):
        if high.vaddr < low.vaddr + low.memsz:
            yield f"segment {number} ends at address {low.vaddr + low.memsz:#x}, and segment {other} begins at {high.vaddr:#x}"


def _names_outside(parsed: ParsedFile) -> Iterator[str]:
    """Names that leave the string table; what cannot be read raises BinaryFormatError."""
    size, text = len(parsed.table.data), parsed.table.text
    for tag, value in parsed.image.dynamic or ():
        if tag in c.STRING_TAGS:
            text(value)
    for record in need_records(parsed.file, parsed.image):
        text(record.need.file)
        for version in record.versions:
            text(version.name)
    used = symbol_references(parsed.file, parsed.image, parsed.sections, parsed.header.shstrndx) or ()
    if (last := max(used, default=0)) >= size:
        yield f"string index {last} leaves the string table of {size} bytes"


def _misplaced(parsed: ParsedFile) -> Iterator[str]:
    """Sections and segments whose offset belongs to another address."""
    image = parsed.image
    for number, section in enumerate(parsed.sections.sections):
        if takes_memory(section) and section.type != c.SHT_NOBITS:
            offset = image.offset_of(section.addr)
            if offset is not None and offset != section.offset:
                yield f"section {number} gives the offset {section.offset:#x}; at its address is the offset {offset:#x}"
    if (place := parsed.interpreter_segment) is not None:
        segment = image.segments[place]
        if image.offset_of(segment.vaddr) != segment.offset:
            yield f"PT_INTERP gives the offset {segment.offset:#x} and the address {segment.vaddr:#x}, which do not belong together"


def _versions_of_nothing(parsed: ParsedFile) -> Iterator[str]:
    """Symbols with versions that no record names: glibc crashes on them."""
    image, half = parsed.image, parsed.image.structures.half
    address = image.entry(c.DT_VERSYM)
    if address is None:
        return
    if image.entry(c.DT_VERNEED) is None and image.entry(c.DT_VERDEF) is None:
        yield "symbols have versions (DT_VERSYM), and there are none (neither DT_VERNEED nor DT_VERDEF)"
    names = symbol_names(parsed.file, image, parsed.sections)
    if names is not None and image.offset_of(address, half.size * len(names)) is None:
        yield f"the versions of {len(names)} symbols at address {address:#x} are in no PT_LOAD"
