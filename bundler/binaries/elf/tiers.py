"""From edits to a patch, by the first tier that has room; the result is not checked here.

Everything comes from headers and tables: the cost does not depend on the size of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.draft import NOWHERE, LayoutDraft
from bundler.binaries.elf.dynamic import WantedEntry, unchanged, wanted_entries, with_version_needs
from bundler.binaries.elf.edits import PatchPlan, Tier, Unchanged
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.header_edits import HeaderEdits, header_edits
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.layout_end import plan_end
from bundler.binaries.elf.layout_segment import plan_segment
from bundler.binaries.elf.layout_slack import plan_slack
from bundler.binaries.elf.parsed_file import MovablePart, ParsedFile, parse_file
from bundler.binaries.elf.references import symbol_references
from bundler.binaries.elf.space_request import SpaceRequest
from bundler.binaries.elf.strings import find_reusable, place_strings
from bundler.binaries.elf.version_edits import VersionEdits, plan_versions
from bundler.errors import BinaryFormatError, CannotPatch, NotDynamic, PayloadInTheWay, Prelinked
from bundler.machine import os


def plan_unchecked(file: BinaryIO, image: Image, wanted: EncodedEdits) -> tuple[ParsedFile, PatchPlan] | None:
    """`planner.plan_patch` without the check of the result; with what was read of the file.

    None where nothing changes but what `header_edits` tells.
    """
    interpreter = _new_interpreter(image, wanted)
    if not image.dynamic or _is_static_pie(image):
        _refuse_static(image, wanted, interpreter)
        return None
    entries = wanted_entries(image, wanted)
    if unchanged(image, entries) and interpreter is None and not wanted.unversioned:
        return None
    parsed = parse_file(file, image)
    versions = plan_versions(parsed, wanted)
    if versions.records and len(versions.kept) != len(versions.records):
        entries = with_version_needs(entries, len(versions.kept))
    if unchanged(image, entries) and interpreter is None and not versions.changes:
        return None
    space = _space_request(parsed, entries, versions, interpreter, header_edits(file, image, wanted))
    shortfalls = [shortfall for part in MovablePart if (shortfall := space.shortfall(parsed, part)) is not None]
    if not shortfalls:
        return parsed, _in_place(parsed, space)
    if image.entry(c.DT_GNU_PRELINKED) is not None:
        raise Prelinked(
            f"the file was prelinked and cannot grow: {', '.join(shortfalls)}", "undo it with `prelink --undo`"
        )
    return parsed, _with_room(parsed, space, f"{Tier.T0.name}: {', '.join(shortfalls)}")


def _with_room(parsed: ParsedFile, space: SpaceRequest, reason: str) -> PatchPlan:
    """The plan by the first tier above T0 that has room."""
    in_slack = plan_slack(parsed, space)
    if isinstance(in_slack, PatchPlan):
        return replace(in_slack, reasons=(reason,))
    reasons = [reason, f"{Tier.T1.name}: {in_slack}"]
    try:
        return replace(plan_end(parsed, space), reasons=tuple(reasons))
    except PayloadInTheWay:
        raise
    except CannotPatch as error:
        reasons.append(f"{Tier.T2.name}: {error.message}")
    try:
        return replace(plan_segment(parsed, space), reasons=tuple(reasons))
    except PayloadInTheWay:
        raise
    except CannotPatch as error:
        raise CannotPatch("; ".join([*reasons, f"{Tier.T3.name}: {error.message}"])) from error


def _new_interpreter(image: Image, wanted: EncodedEdits) -> bytes | None:
    """The interpreter's new path with its NUL; None where it stays. NotDynamic where the file names none."""
    if isinstance(wanted.interpreter, Unchanged):
        return None
    if image.interpreter is None:
        raise NotDynamic("the file names no interpreter (it has no PT_INTERP), and cannot be given one")
    return None if os.fsencode(image.interpreter) == wanted.interpreter else wanted.interpreter + b"\0"


def _is_static_pie(image: Image) -> bool:
    """A program that relocates itself: it has a dynamic section, but nothing reads names in it."""
    return bool(image.flags_1 & c.DF_1_PIE) and image.interpreter is None and not image.needed


def _refuse_static(image: Image, wanted: EncodedEdits, interpreter: bytes | None) -> None:
    """Raise NotDynamic where something is asked for that only a dynamic section can hold, or that needs one to be done."""
    kind = "a program that relocates itself" if image.dynamic else "an object without a dynamic section"
    if image.dynamic == ():
        kind = "an object whose dynamic section is empty"
    if interpreter is not None:
        raise NotDynamic(f"the interpreter of a static program stays as it is: this is {kind}")
    texts = (wanted.rpath, wanted.soname)
    if any(isinstance(text, bytes) for text in texts) or wanted.added or wanted.prepended or wanted.unversioned:
        raise NotDynamic(
            f"a static program has no search path and needs no library: this is {kind}, with "
            f"{len(image.segments)} segments"
        )


def _space_request(
    parsed: ParsedFile,
    entries: Sequence[WantedEntry],
    versions: VersionEdits,
    interpreter: bytes | None,
    headers: HeaderEdits,
) -> SpaceRequest:
    """What the new file shall hold: each new string has an index, and the version records are settled."""
    table, image = parsed.table, parsed.image
    texts = [entry.text for entry in entries if entry.text is not None]
    texts += [kept.name for kept in versions.kept if kept.name is not None]
    reused = find_reusable(table, texts)
    kept = {entry.value for entry in entries if entry.text is None and entry.tag in c.STRING_TAGS}
    freed = {entry.value for entry in image.dynamic or () if entry.tag in c.STRING_TAGS} - kept
    freed |= versions.freed()
    live = _live(parsed, entries, reused, versions) if freed else None
    placement = place_strings(table, texts, reused, freed, live)
    edits = {**versions.edits(parsed, placement.indices), **headers.contents}
    return SpaceRequest(entries, placement, interpreter, edits, _version_sections(parsed, versions), headers.flags)


def _version_sections(parsed: ParsedFile, versions: VersionEdits) -> dict[int, dict[str, int]]:
    """What changes in the section headers of the version tables: sh_info counts the records; a table that goes is plain bytes."""
    if not versions.rewrites:
        return {}
    gone = {"type": c.SHT_PROGBITS, "link": 0}
    wanted = [(c.DT_VERNEED, c.SHT_GNU_VERNEED, {"info": len(versions.kept), **({} if versions.kept else gone)})]
    if not versions.kept and parsed.image.entry(c.DT_VERDEF) is None:
        wanted.append((c.DT_VERSYM, c.SHT_GNU_VERSYM, gone))
    changes: dict[int, dict[str, int]] = {}
    for tag, kind, values in wanted:
        address = parsed.image.entry(tag)
        number = None if address is None else parsed.sections.find(kind, address)
        if number is not None:
            changes[number] = values
    return changes


def _live(
    parsed: ParsedFile, entries: Sequence[WantedEntry], reused: Mapping[bytes, int], versions: VersionEdits
) -> list[int] | None:
    """Every index into the string table that stays in use; None where they cannot all be known."""
    from bundler.binaries.elf.versions import need_records

    live = symbol_references(parsed.file, parsed.image, parsed.sections, parsed.header.shstrndx)
    if live is None:
        return None
    live += (entry.value for entry in entries if entry.text is None and entry.tag in c.STRING_TAGS)
    live += reused.values()
    if versions.records:
        live += versions.in_use()
    else:
        for record in need_records(parsed.file, parsed.image):
            live += (record.need.file, *(version.name for version in record.versions))
    if max(live, default=0) >= len(parsed.table.data):
        raise BinaryFormatError(f"string index {max(live)} leaves the string table of {len(parsed.table.data)} bytes")
    return live


def _in_place(parsed: ParsedFile, space: SpaceRequest) -> PatchPlan:
    """Tier T0: no byte moves but those of the dynamic section's own entries."""
    draft = LayoutDraft(parsed, space)
    draft.place(NOWHERE, 0)
    patch = draft.finish()
    changed = sum(len(data) for data in draft.edits.values())
    return PatchPlan(patch, Tier.T0, f"{changed} bytes overwritten in place")
