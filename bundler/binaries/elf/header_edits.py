"""Edits of what is read before the dynamic section, or beside it: the flags of program headers, notes, and constant strings.

They change bytes where these are, whatever else moves, and need no dynamic section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.constant_strings import constant_places
from bundler.binaries.elf.edits import PatchPlan, Tier
from bundler.binaries.elf.encoded_edits import EncodedEdits
from bundler.binaries.elf.image import Image, read_header, read_image
from bundler.binaries.elf.notes import Note
from bundler.binaries.elf.stack import Stack, stack_of
from bundler.binaries.patch import overwrite
from bundler.errors import BinaryFormatError, CannotPatch

# What patchelf 0.19 writes with --build-resolution-cache, and the loader of NixOS reads.
RESOLUTION_CACHE_OWNER, RESOLUTION_CACHE_TYPE = b"NixOS", 0x63A86CB6
_NO_TYPE = 0


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """What changes in place; nothing where both are empty."""

    flags: Mapping[int, int]
    """The new flags of program headers, by their number."""
    contents: Mapping[int, bytes]
    """Bytes by file offset."""

    def __bool__(self) -> bool:
        return bool(self.flags or self.contents)


def header_edits(file: BinaryIO, image: Image, wanted: EncodedEdits) -> HeaderEdits:
    """What `wanted` changes in `file`, of which `image` was read.

    Raises CannotPatch where an executable stack shall go that no header asks for.
    """
    flags, contents = dict[int, int](), dict[int, bytes]()
    if wanted.clear_execstack:
        if stack_of(image) is Stack.UNMARKED:
            raise CannotPatch(
                f"the file has no PT_GNU_STACK among its {len(image.segments)} program headers, which asks for an "
                f"executable stack on {image.machine_name}, and there is no flag to clear",
                "link it anew with `-z noexecstack`",
            )
        for number, segment in enumerate(image.segments):
            if segment.type == c.PT_GNU_STACK and segment.flags & c.PF_X:
                flags[number] = segment.flags & ~c.PF_X
    if wanted.without_resolution_cache:
        type_at = image.structures.note.position("type")
        for note in filter(is_resolution_cache, image.notes):
            contents[note.offset + type_at] = image.structures.word.pack(_NO_TYPE)
            contents[note.description_offset] = bytes(len(note.description))
    for old, new in wanted.constants:
        contents.update((place, new) for place in constant_places(file, image, old))
    return HeaderEdits(flags, {offset: data for offset, data in contents.items() if data})


def is_resolution_cache(note: Note) -> bool:
    """Whether a loader that knows such notes takes absolute paths of libraries from this one, before any search path."""
    return (note.owner, note.type) == (RESOLUTION_CACHE_OWNER, RESOLUTION_CACHE_TYPE)


def plan_headers(file: BinaryIO, image: Image, edits: HeaderEdits) -> PatchPlan:
    """The plan that does these edits alone to the seekable binary `file`. Its result was read again and compared.

    Raises CannotPatch where that is not what it should be, BinaryFormatError where what shall change overlaps.
    """
    layouts, header = read_header(file)
    changes = dict(edits.contents)
    for number, flags in edits.flags.items():
        place = header.phoff + number * layouts.segment.size + layouts.segment.position("flags")
        changes[place] = layouts.segment.pack_field("flags", flags)
    try:
        patch = overwrite(image.size, changes)
    except ValueError as error:
        raise BinaryFormatError(f"the file's headers overlap: {error}") from error
    plan = PatchPlan(patch, Tier.T0, f"{sum(map(len, changes.values()))} bytes overwritten in place")
    _check(file, image, edits, plan)
    return plan


def _check(file: BinaryIO, image: Image, edits: HeaderEdits, plan: PatchPlan) -> None:
    try:
        result = read_image(plan.patch.open(file))
    except (BinaryFormatError, EOFError) as error:
        raise CannotPatch(f"the patched file cannot be read: {error} ({plan.explanation})") from error
    segments = tuple(
        segment._replace(flags=edits.flags.get(number, segment.flags)) for number, segment in enumerate(image.segments)
    )
    same = (result.size, result.segments, result.dynamic, result.interpreter, result.needed, result.soname)
    if same != (image.size, segments, image.dynamic, image.interpreter, image.needed, image.soname):
        raise CannotPatch(f"the patched file would be wrong: more than flags and notes changed ({plan.explanation})")
    if [note.offset for note in result.notes] != [note.offset for note in image.notes]:
        raise CannotPatch(f"the patched file would be wrong: its notes are others ({plan.explanation})")
