"""What must be true of every patched file, checked by reading the result again, its names with another reader (macholib).

A violated invariant raises CannotPatch, so that nobody ever sees a broken file. The hashes of a signature are not
among them: they are made when the file is written.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from bundler.binaries.invariants import ViolatedError, require
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.edits import Edits, PatchPlan
from bundler.binaries.macho.image import DYLIB_COMMANDS, Image, LoadCommand, Segment, Slice, read_image
from bundler.binaries.macho.signature import read_signature
from bundler.binaries.macho.slices import chosen_slices, plan_unchecked
from bundler.binaries.patch import Patch, Range
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError, CannotPatch

_NAMED = DYLIB_COMMANDS | {c.LC_ID_DYLIB, c.LC_RPATH}
_DISPENSABLE = frozenset({c.LC_RPATH, c.LC_SOURCE_VERSION, c.LC_DATA_IN_CODE, c.LC_FUNCTION_STARTS})


def check_result(file: BinaryIO, image: Image, edits: Edits, plan: PatchPlan) -> None:
    """Read the file that `plan` makes of `file` and compare it with the original.

    Raises CannotPatch with the first invariant that does not hold; BinaryFormatError where the original is damaged
    itself.
    """
    patched = plan.patch.without_computed().open(file)
    try:
        result = read_image(patched)
        require(result.size == plan.patch.size, "the new file has the size that its patch has")
        before = chosen_slices(image, edits)
        require(edits.thin is None or result.fat_magic is None, "a thin file is thin")
        require(edits.thin is not None or result.fat_magic == image.fat_magic, "a fat file stays a fat file")
        require(len(before) == len(result.slices), "every slice is there")
        for old, new in zip(before, result.slices, strict=True):
            _check_commands(old, new, edits)
            _check_segments(old, new)
            _check_signature(patched, old, new)
            _check_contents(old, new, plan.patch)
            _check_other_reader(patched, new)
        for arch, new in zip(result.fat_archs, result.slices, strict=True) if result.fat_magic else ():
            require(new.offset % (1 << arch.align) == 0, "slices are aligned")
        _check_idempotence(patched, result, edits)
    except (ViolatedError, BinaryFormatError, EOFError) as error:
        damage = _damage_of(file, image)
        if damage is not None:
            raise BinaryFormatError(f"the file is damaged: {damage}") from error
        what = "would be wrong" if isinstance(error, ViolatedError) else "cannot be read"
        raise CannotPatch(f"the patched file {what}: {error} ({plan.explanation})") from error


def _damage_of(file: BinaryIO, image: Image) -> str | None:
    """What the original has against the same readings, in words; None for nothing."""
    try:
        for part in image.slices:
            read_signature(file, part)
            _check_other_reader(file, part)
    except (ViolatedError, BinaryFormatError, EOFError) as error:
        return str(error)
    return None


def _check_commands(old: Slice, new: Slice, edits: Edits) -> None:
    require(
        (old.cputype, old.cpusubtype, old.filetype, old.structures)
        == (new.cputype, new.cpusubtype, new.filetype, new.structures),
        "a slice stays of its kind",
    )
    require(
        [(one.kind, edits.dylibs.get(one.name, one.name)) for one in old.dylibs]
        == [(one.kind, one.name) for one in new.dylibs],
        "libraries keep their number and get the names asked for",
    )
    wanted = edits.install_name if edits.install_name is not None and old.install_name is not None else old.install_name
    require(new.install_name == wanted, "the install name is the one asked for")
    put = {*edits.add_rpaths, *edits.replace_rpaths.values()}
    require(not edits.remove_rpaths & set(new.rpaths) - put, "removed rpaths are gone")
    require(set(edits.add_rpaths) <= set(new.rpaths), "added rpaths are there")
    kept = [path for path in old.rpaths if path not in edits.remove_rpaths]
    renamed = list(dict.fromkeys(edits.replace_rpaths.get(path, path) for path in kept))
    require(list(dict.fromkeys(new.rpaths))[: len(renamed)] == renamed, "other rpaths stay, in their order")
    require(_others(old, new) == _others(new, new), "no other load command changes")
    for command in new.commands:
        require(len(command.data) % new.structures.alignment == 0 or command in old.commands, "commands are aligned")


def _others(part: Slice, new: Slice) -> list[LoadCommand]:
    """The commands that must be equal before and after."""
    left_out = {cmd for cmd in _DISPENSABLE if not any(one.cmd == cmd for one in new.commands)}
    ignored = _NAMED | left_out | {c.LC_CODE_SIGNATURE, c.LC_SEGMENT, c.LC_SEGMENT_64}
    return [command for command in part.commands if command.cmd not in ignored]


def _check_segments(old: Slice, new: Slice) -> None:
    require(len(old.segments) == len(new.segments), "every segment is there")
    for before, after in zip(old.segments, new.segments, strict=True):
        if before.name == "__LINKEDIT":
            require(_place(before) == _place(after), "__LINKEDIT stays where it is")
            require(after.vmsize >= after.filesize, "__LINKEDIT is mapped to its end")
        else:
            require(before == after, "segments stay as they are")
        require(after.fileoff + after.filesize <= new.size or before == after, "segments end within the file")
    require(new.commands_end <= min(new.contents_start, old.contents_start), "load commands end before the contents")


def _place(segment: Segment) -> tuple[object, ...]:
    return segment.name, segment.vmaddr, segment.fileoff, segment.sections


def _check_signature(patched: BinaryIO, old: Slice, new: Slice) -> None:
    require(old.signature is None or new.signature is not None, "what was signed stays signed")
    if new.signature is None or old.commands == new.commands:
        return
    offset, size = new.signature
    linkedit = new.segment("__LINKEDIT")
    require(offset % 16 == 0 and offset + size == new.size, "the signature ends the slice, at a multiple of 16")
    require(linkedit is not None and linkedit.fileoff + linkedit.filesize == new.size, "__LINKEDIT ends the slice")
    signature = read_signature(patched, new)
    assert signature is not None
    for directory in signature.directories:
        require(directory.code_limit == offset, "all in front of the signature is signed")
        require(len(directory.pages) == -(-offset // directory.page_size), "every page is signed")


def _check_contents(old: Slice, new: Slice, patch: Patch) -> None:
    """The contents come from the source, each byte at its old place in the slice."""
    start = min(old.contents_start, old.size)
    end = old.signature[0] if old.signature else old.size
    position = 0
    kept = 0
    for piece in patch.pieces:
        inside = new.offset <= position < new.offset + new.size
        if isinstance(piece, Range) and (inside or position < new.offset < position + piece.length):
            require(piece.offset - position == old.offset - new.offset, "contents stay at their place in the slice")
            first, last = max(position - new.offset, start), min(position + piece.length - new.offset, end)
            kept += max(last - first, 0)
        position += piece.length
    require(kept == max(end - start, 0), "all contents are kept")


def _check_other_reader(patched: BinaryIO, new: Slice) -> None:
    """macholib reads the same names from the same commands, and finds them in front of the contents."""
    try:
        header = _macholib_header(read_at(patched, new.offset, new.commands_end, "the load commands"), new.size)
        found = [
            (load.cmd, data[start:].partition(b"\0")[0])
            for load, command, data in header.commands
            if load.cmd in _NAMED
            for start in [_name_offset(load.cmd, command)]
        ]
    except (ValueError, KeyError, IndexError, OSError) as error:  # OSError: a section beyond the file
        raise ViolatedError(f"macholib cannot read it: {error}") from error
    own = [
        (command.cmd, command.data[new.structures.word(command.data, 8) :].partition(b"\0")[0])
        for command in new.commands
        if command.cmd in _NAMED
    ]
    require(found == own, "another reader finds the same names")
    require(header.total_size <= header.low_offset, "another reader finds the load commands in front of the contents")


def _name_offset(cmd: int, command: Any) -> int:
    """Where in macholib's `data` the name begins: it has cut off what it understood."""
    return int(command.path) - 12 if cmd == c.LC_RPATH else int(command.name) - 24


def _macholib_header(head: bytes, size: int) -> Any:
    """macholib's reading of a slice of `size` bytes that begins with `head`; it would read all sections into memory."""
    from macholib.MachO import MachO

    reader = MachO.__new__(MachO)
    reader.filename, reader.headers, reader.allow_unknown_load_commands = "the patched file", [], True
    reader.load_header(io.BytesIO(head), 0, size)
    return reader.headers[0]


def _check_idempotence(patched: BinaryIO, result: Image, edits: Edits) -> None:
    """The same edits change nothing any more, unless one edit's outcome is what another one asks for."""
    chained = set(edits.dylibs) & set(edits.dylibs.values()) or set(edits.replace_rpaths) & {
        *edits.replace_rpaths.values(),
        *edits.add_rpaths,
    }
    if not chained and not edits.remove_rpaths & {*edits.add_rpaths, *edits.replace_rpaths.values()}:
        require(plan_unchecked(patched, result, edits) is None, "doing it again changes nothing")
