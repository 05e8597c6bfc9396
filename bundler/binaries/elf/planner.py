"""The patcher: from edits to a patch, by the first tier that has room.

Everything comes from headers and tables: the cost does not depend on the size of the file.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping, Sequence
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import Demand, Draft, Source
from bundler.binaries.elf.dynamic import WantedEntry, wanted_entries, wanted_names, wanted_rpath
from bundler.binaries.elf.edits import Edits, PatchPlan, Tier
from bundler.binaries.elf.image import Image, read_at, read_header
from bundler.binaries.elf.layout_end import plan_end
from bundler.binaries.elf.layout_slack import plan_slack
from bundler.binaries.elf.references import symbol_references
from bundler.binaries.elf.sections import read_sections
from bundler.binaries.elf.strings import find_reusable, place, read_string_table
from bundler.binaries.elf.structs import DynamicEntry
from bundler.binaries.elf.versions import NeedRecord, need_records
from bundler.errors import BinaryFormatError, CannotPatch


def plan_patch(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """The patch that does `edits` to the seekable binary `file`, of which `image` was read; None for no change.

    The patched file is read again and compared with the original before the plan is handed out.
    Raises CannotPatch where there is no room or the result would break a rule, BinaryFormatError where the
    file contradicts itself.
    """
    plan = lay_out(file, image, edits)
    if plan is not None:
        from bundler.binaries.elf.invariants import check_result

        check_result(file, image, edits, plan)
    return plan


def lay_out(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """`plan_patch` without the check of the result."""
    rpath, names = wanted_rpath(edits), wanted_names(edits)
    if image.dynamic is None:
        if isinstance(rpath, bytes) or any(os.fsdecode(name) in image.needed for name in names):
            raise CannotPatch("a static program has no search path and needs no library")
        return None
    entries = wanted_entries(image, rpath, names)
    same = [DynamicEntry(entry.tag, entry.value) for entry in entries if entry.text is None]
    if tuple(same) == image.dynamic and len(same) == len(entries):
        return None
    source = _read_source(file, image)
    demand = _place(source, entries, names)
    if demand.fits_dynamic(source) and demand.fits_table(source):
        return _in_place(source, demand)
    if image.entry(c.DT_GNU_PRELINKED) is not None:
        raise CannotPatch("the file was prelinked and cannot grow", "undo it with `prelink --undo`")
    plan = plan_slack(source, demand) if demand.fits_dynamic(source) else None
    return plan or plan_end(source, demand)


def _read_source(file: BinaryIO, image: Image) -> Source:
    _, header = read_header(file)
    dynamic = image.dynamic or ()
    number = next(n for n, segment in enumerate(image.segments) if segment.type == c.PT_DYNAMIC)
    segment = image.segments[number]
    offset = image.offset_of(segment.vaddr, segment.filesz)
    if offset is None or offset != segment.offset:
        raise BinaryFormatError("PT_DYNAMIC gives an offset and an address that do not belong together")
    size = image.structures.dynamic.size
    rest = read_at(file, offset + len(dynamic) * size, segment.filesz - len(dynamic) * size, "the dynamic section")
    spare = (len(rest) - len(rest.lstrip(b"\0"))) // size
    return Source(
        file=file,
        image=image,
        header=header,
        sections=read_sections(file, image, header),
        table=read_string_table(file, image),
        dynamic_segment=number,
        dynamic_offset=offset,
        capacity=len(dynamic) + spare,
    )


def _place(source: Source, entries: Sequence[WantedEntry], names: Mapping[bytes, bytes]) -> Demand:
    """Find an index for each new string, and settle the version records that name a renamed library."""
    table, image = source.table, source.image
    texts = [entry.text for entry in entries if entry.text is not None]
    reused = find_reusable(table, texts)
    kept = {entry.value for entry in entries if entry.text is None and entry.tag in c.STRING_TAGS}
    freed = {entry.value for entry in image.dynamic or () if entry.tag in c.STRING_TAGS} - kept
    records = list(need_records(source.file, image)) if freed or names else []
    renamed = {
        record.offset: names[text]
        for record in records
        if names and (text := table.text(record.need.file)) in names and names[text] in texts
    }
    freed |= {record.need.file for record in records if record.offset in renamed}
    live = _live(source, entries, reused, records, renamed) if freed else None
    placement = place(table, texts, reused, freed, live)
    layouts = image.structures
    position = layouts.verneed.position("file")
    edits = {offset + position: layouts.word.pack(placement.indices[text]) for offset, text in renamed.items()}
    return Demand(entries, placement, edits)


def _live(
    source: Source,
    entries: Sequence[WantedEntry],
    reused: Mapping[bytes, int],
    records: Sequence[NeedRecord],
    renamed: Container[int],
) -> list[int] | None:
    """Every index into the string table that stays in use; None where they cannot all be known."""
    live = symbol_references(source.file, source.image, source.sections, source.header.shstrndx)
    if live is None:
        return None
    live += (entry.value for entry in entries if entry.text is None and entry.tag in c.STRING_TAGS)
    live += reused.values()
    for record in records:
        live += () if record.offset in renamed else (record.need.file,)
        live += (version.name for version in record.versions)
    if max(live, default=0) >= len(source.table.data):
        raise BinaryFormatError(f"string index {max(live)} leaves the string table of {len(source.table.data)} bytes")
    return live


def _in_place(source: Source, demand: Demand) -> PatchPlan:
    """Tier T0: no byte moves but those of the dynamic section's own entries."""
    draft = Draft(source, demand.edits)
    draft.edit_table(demand.strings.changes_in_place(len(source.table.data)))
    draft.edit_dynamic(demand.entries_at(source, source.dynamic_address))
    changed = sum(len(data) for data in draft.edits.values())
    return PatchPlan(draft.finish(), Tier.T0, f"{changed} bytes overwritten in place")
