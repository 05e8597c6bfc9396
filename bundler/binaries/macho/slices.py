"""From edits to a patch, slice by slice; the result is not checked here.

A slice that the edits do not change keeps every byte. One that they change gets new load commands in front of
contents that do not move, and a new signature behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.macho import constants as c
from bundler.binaries.macho.commands import fit, wanted_commands
from bundler.binaries.macho.edits import Edits, PatchPlan
from bundler.binaries.macho.image import Image, LoadCommand, Segment, Slice
from bundler.binaries.macho.signature import Signature, read_signature
from bundler.binaries.macho.signing import ALIGNMENT, NewSignature, new_signature
from bundler.binaries.macho.structs import FAT_ARCH, FAT_ARCH_64, FAT_HEADER
from bundler.binaries.patch import Literal, Piece, Range, Zeros, join
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch

_LINKED = frozenset({c.MH_EXECUTE, c.MH_DYLIB, c.MH_BUNDLE})
_PAGE_SIZES = {c.CPU_ARM: 0x4000, c.CPU_ARM64: 0x4000}
_INFO_PLIST = "__info_plist"


def plan_unchecked(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """`planner.plan_patch` without the check of the result. Raises the same errors, but for a broken rule."""
    chosen = chosen_slices(image, edits)
    drafts = [_draft(file, part, edits) for part in chosen]
    changed = [draft for draft in drafts if isinstance(draft, _ChangedSlice)]
    thinned = edits.thin is not None and image.fat_magic is not None
    if not changed and not thinned:
        return None
    notes = [note for draft in changed for note in draft.notes]
    if thinned:
        notes.append(f"{chosen[0].architecture} kept of {', '.join(image.architectures)}")
    identities = [draft.lost_identity for draft in changed if draft.lost_identity]
    pieces = drafts[0].pieces(0) if thinned or image.fat_magic is None else _fat(image, drafts)
    return PatchPlan(join(pieces), "; ".join(dict.fromkeys(notes)), identities[0] if identities else None)


def chosen_slices(image: Image, edits: Edits) -> Sequence[Slice]:
    """The slices that stay in the file. Raises CannotPatch where the wanted one is not there."""
    if edits.thin is None:
        return image.slices
    part = image.slice_for(edits.thin)
    if part is None:
        raise CannotPatch(f"there is no {edits.thin} in it, only {', '.join(image.architectures)}")
    return (part,)


@dataclass(frozen=True, slots=True)
class _UnchangedSlice:
    """A slice that stays as it is."""

    part: Slice

    @property
    def size(self) -> int:
        return self.part.size

    def pieces(self, start: int) -> list[Piece]:
        """The slice's bytes, wherever it will `start`."""
        return [Range(self.part.offset, self.part.size)]


@dataclass(frozen=True, slots=True)
class _ChangedSlice:
    """A slice with new load commands."""

    part: Slice
    head: bytes
    """The header and the load commands, with zeros over what is left of longer ones."""
    contents_end: int
    """Where the old slice's contents end: at its signature, if it has one."""
    code_limit: int
    """Where the new slice's signature begins, or the slice ends."""
    signature: NewSignature | None
    notes: tuple[str, ...]
    lost_identity: str | None

    @property
    def size(self) -> int:
        return self.code_limit + (self.signature.size(self.code_limit) if self.signature else 0)

    def pieces(self, start: int) -> list[Piece]:
        """The new slice's bytes where it begins at `start` of the new file."""
        contents = Range(self.part.offset + len(self.head), self.contents_end - len(self.head))
        gap = Zeros(self.code_limit - self.contents_end)
        signature = self.signature.pieces(self.part, start, self.code_limit) if self.signature else ()
        return [Literal(self.head), contents, gap, *signature]


def _draft(file: BinaryIO, part: Slice, edits: Edits) -> _UnchangedSlice | _ChangedSlice:
    commands = wanted_commands(part, edits)
    if commands == list(part.commands):
        return _UnchangedSlice(part)
    if part.filetype not in _LINKED:
        raise CannotPatch("it is neither a program nor a library that dyld loads")
    for segment in part.segments:
        if segment.fileoff + segment.filesize > part.size:
            raise BinaryFormatError(f"{segment.name} is truncated: the image ends after {part.size} bytes")
    notes = []
    old = _old_signature(file, part)
    lost = old.identity if old is not None else None
    signature = None
    contents_end = code_limit = part.size
    if part.signature is not None or part.architecture.startswith("arm64"):
        signature = new_signature(part, old, _info_plist(file, part))
        contents_end = _contents_end(file, part)
        code_limit = -(-contents_end // ALIGNMENT) * ALIGNMENT
        commands = _with_signature(part, commands, code_limit, signature.size(code_limit))
        notes.append(f"signed ad hoc in place of {lost}" if lost else "signed ad hoc")
    commands, freed = fit(part, commands)
    notes = [f"{what} left out for want of room" for what in freed] + notes
    return _ChangedSlice(part, _head(file, part, commands), contents_end, code_limit, signature, tuple(notes), lost)


def _old_signature(file: BinaryIO, part: Slice) -> Signature | None:
    try:
        return read_signature(file, part)
    except BinaryFormatError:
        return None  # it protects nothing and cannot be kept


def _info_plist(file: BinaryIO, part: Slice) -> bytes | None:
    text = part.segment("__TEXT")
    for section in text.sections if text else ():
        if section.name == _INFO_PLIST and section.in_file:
            return read_at(file, part.offset + section.offset, section.size, "the embedded Info.plist")
    return None


def _contents_end(file: BinaryIO, part: Slice) -> int:
    """Where a signature can begin. CannotPatch where something stands behind the old one."""
    if part.signature is None:
        return part.size
    offset, size = part.signature
    behind = part.size - offset - size
    rest = read_at(file, part.offset + offset + size, min(behind, ALIGNMENT), "the end of the slice")
    if behind >= ALIGNMENT or rest.strip(b"\0"):
        raise CannotPatch(f"{behind} bytes stand behind the signature, where nothing is expected")
    return offset


def _with_signature(part: Slice, commands: Sequence[LoadCommand], offset: int, size: int) -> list[LoadCommand]:
    """The commands with the signature's place, and with a __LINKEDIT segment that reaches to its end."""
    layouts = part.structures
    linkedit = part.segment("__LINKEDIT")
    if linkedit is None or any(
        other.fileoff + other.filesize > linkedit.fileoff + linkedit.filesize for other in part.segments
    ):
        raise CannotPatch("its last segment is not __LINKEDIT, where the signature belongs")
    place = LoadCommand(
        c.LC_CODE_SIGNATURE, layouts.linkedit_data.pack(c.LC_CODE_SIGNATURE, layouts.linkedit_data.size, offset, size)
    )
    found = [place if command.cmd == c.LC_CODE_SIGNATURE else command for command in commands]
    if place not in found:
        found.append(place)
    segment_command = c.LC_SEGMENT_64 if layouts.bits == 64 else c.LC_SEGMENT
    return [
        _grown(part, command, linkedit, offset + size)
        if command.cmd == segment_command and command.data[8:24].rstrip(b"\0") == b"__LINKEDIT"
        else command
        for command in found
    ]


def _grown(part: Slice, command: LoadCommand, linkedit: Segment, end: int) -> LoadCommand:
    layout = part.structures.segment
    fields = list(layout.unpack_from(command.data))
    filesize = end - linkedit.fileoff
    page = _PAGE_SIZES.get(part.cputype, 0x1000)
    vmsize = -(-filesize // page) * page
    above = [other.vmaddr for other in part.segments if other.vmaddr > linkedit.vmaddr]
    if vmsize > linkedit.vmsize and above and linkedit.vmaddr + vmsize > min(above):
        raise CannotPatch("the segment behind __LINKEDIT leaves no room for a longer signature")
    fields[4], fields[6] = vmsize, filesize
    return LoadCommand(command.cmd, layout.pack(*fields) + command.data[layout.size :])


def _head(file: BinaryIO, part: Slice, commands: Sequence[LoadCommand]) -> bytes:
    """The new header and load commands; what they grow over must be zeros."""
    layouts = part.structures
    data = b"".join(command.data for command in commands)
    fields = list(layouts.header.unpack(read_at(file, part.offset, layouts.header.size, "the Mach-O header")))
    fields[4], fields[5] = len(commands), len(data)
    head = layouts.header.pack(*fields) + data
    growth = len(head) - part.commands_end
    if growth > 0:
        room = read_at(file, part.offset + part.commands_end, growth, "the room behind the load commands")
        if room.strip(b"\0"):
            raise CannotPatch("the room behind its load commands is in use")
    return head.ljust(part.commands_end, b"\0")


def _fat(image: Image, drafts: Sequence[_UnchangedSlice | _ChangedSlice]) -> list[Piece]:
    """A fat file of the slices, each at the first multiple of its alignment behind the one in front of it."""
    wide = image.fat_magic == c.FAT_MAGIC_64
    layout = FAT_ARCH_64 if wide else FAT_ARCH
    end = FAT_HEADER.size + len(drafts) * layout.size
    places: dict[int, int] = {}
    contents: list[Piece] = []
    for number in sorted(range(len(drafts)), key=lambda number: drafts[number].part.offset):
        step = 1 << image.fat_archs[number].align
        places[number] = -(-end // step) * step
        contents += [Zeros(places[number] - end), *drafts[number].pieces(places[number])]
        end = places[number] + drafts[number].size
    if not wide and end > 0xFFFFFFFF:
        raise CannotPatch("it would be larger than 4 GiB, and its fat header has numbers of 32 bits")
    table = b"".join(
        layout.pack(
            arch.cputype, arch.cpusubtype, places[number], drafts[number].size, arch.align, *((0,) if wide else ())
        )
        for number, arch in enumerate(image.fat_archs)
    )
    assert image.fat_magic is not None
    return [Literal(FAT_HEADER.pack(image.fat_magic, len(drafts)) + table), *contents]
