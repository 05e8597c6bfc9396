"""A Mach-O file against its source: load commands that nobody asked to change, and every byte of the contents, slice by slice.

Contents never move within a slice. A slice that was changed has other names in its load commands and, where it was signed or
must be, a new signature behind its contents; one that was not is equal to the last byte.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from bundler.audit.readers.asked import Asked, PathEdits
from bundler.audit.readers.bytewise import not_zero, read_range, unequal
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.facts import CommandFacts, MachOFacts, SliceFacts
from bundler.audit.readers.macho.reading import DYLIB_COMMANDS
from bundler.audit.readers.macho.signature import signature_differences
from bundler.audit.readers.ranges import Range, without
from bundler.binaries.macho import constants as c
from bundler.machine import os

_SIDES = Sides("the source has", "the file has")
_WANTED = Sides("it should be", "the file has")
_ALIGNMENT = 16
_NEW_RPATH = 12  # where the path begins in a new LC_RPATH
_SMALLEST_PAGE, _LARGEST_PAGE = 0x1000, 0x4000
_SHOWN = 12
_SEGMENTS = {32: (c.LC_SEGMENT, 28, 4), 64: (c.LC_SEGMENT_64, 32, 8)}
"""The command, and where vmsize stands in it (one number in front of it: 4 or 8 bytes before) and how wide it is."""
_EMPTY_TABLES = (c.LC_DATA_IN_CODE, c.LC_FUNCTION_STARTS)


def macho_changes(
    source_file: BinaryIO, source: MachOFacts, changed_file: BinaryIO, changed: MachOFacts, asked: Asked
) -> Iterator[Difference]:
    """All that differs and was not asked for; of the contents of a slice the first place."""
    pairs = _pairs(source, changed, asked)
    if pairs is None:
        kinds = [[(part.cputype, part.cpusubtype) for part in facts.slices] for facts in (source, changed)]
        yield from _SIDES.differ("the architectures", *map(tuple, kinds))
        return
    if changed.fat_magic is not None or not asked.thin:
        yield from _SIDES.differ("the fat header's magic number", source.fat_magic, changed.fat_magic)
        yield from _SIDES.differ("the fat header", source.archs, changed.archs)
    files = source_file, changed_file
    for old, new in pairs:
        yield from _slice(files, old, new, asked)
    yield from _between(changed_file, changed)


def _pairs(source: MachOFacts, changed: MachOFacts, asked: Asked) -> list[tuple[SliceFacts, SliceFacts]] | None:
    """Each slice of the changed file with its source; None where these do not belong together."""
    kinds = {(part.cputype, part.cpusubtype): part for part in source.slices}
    pairs = [(kinds.get((part.cputype, part.cpusubtype)), part) for part in changed.slices]
    found = [(old, new) for old, new in pairs if old is not None]
    if len(found) < len(pairs) or (len(pairs) < len(source.slices) and not (asked.thin and len(pairs) == 1)):
        return None
    if len(pairs) == len(source.slices) and [old for old, _ in found] != list(source.slices):
        return None
    return found


def _slice(files: tuple[BinaryIO, BinaryIO], old: SliceFacts, new: SliceFacts, asked: Asked) -> Iterator[Difference]:
    heads = [(each.bits, each.byteorder, each.filetype, each.flags, each.reserved) for each in (old, new)]
    yield from _SIDES.differ("the header", *heads)
    if old.commands == new.commands:
        yield from _SIDES.differ("the size of a slice", old.size, new.size)
        yield from _same(files, old, new, (0, min(old.size, new.size)))
        return
    yield from _commands(old, new, asked)
    yield from _names(old, new, asked)
    yield from _contents(files, old, new)
    if new.signature is not None:
        yield from signature_differences(files, (old, new))


def _commands(old: SliceFacts, new: SliceFacts, asked: Asked) -> Iterator[Difference]:
    """All load commands but for what may differ in them; in order."""
    left = {each.cmd for each in new.commands}
    kept = [each for each in old.commands if each.cmd in left or not _dispensable(each, old)]
    one, other = ([*_plain(commands, part)] for commands, part in ((kept, old), (new.commands, new)))
    yield from _SIDES.differ("load commands", one, other)
    known, starts = set(old.commands), {_NEW_RPATH, *(each.name_offset for each in old.commands)}
    for command in new.commands:
        if command.name is not None and command not in known:
            if command.name_offset not in starts:
                yield Difference("a load command", "its name should stand elsewhere", f"the file has {command.data!r}")
            padding = command.data[command.name_offset + len(os.fsencode(command.name)) :]
            if padding.strip(b"\0") or len(command.data) % (new.bits // 8):
                yield Difference("a load command", "it should end in zeros, aligned", f"the file has {command.data!r}")
    yield from _linkedit(old, new)


def _linkedit(old: SliceFacts, new: SliceFacts) -> Iterator[Difference]:
    """__LINKEDIT ends with the signature, and is mapped to the end of its last page; without one it stays as it was."""
    for before, after in zip(old.segments, new.segments, strict=False):
        sizes = (before.vmsize, before.filesize), (after.vmsize, after.filesize)
        if after.name != "__LINKEDIT" or sizes[0] == sizes[1]:
            continue
        ends = new.signature is not None and after.fileoff + after.filesize == sum(new.signature)
        if not ends or after.vmsize % _SMALLEST_PAGE or not 0 <= after.vmsize - after.filesize < _LARGEST_PAGE:
            yield from _SIDES.differ("vmsize and filesize of __LINKEDIT", *sizes)


def _dispensable(command: CommandFacts, part: SliceFacts) -> bool:
    """Whether the patcher may leave it out for want of room: a date, a table without entries."""
    empty = command.cmd in _EMPTY_TABLES and int.from_bytes(command.data[12:16], part.byteorder) == 0
    return empty or command.cmd == c.LC_SOURCE_VERSION


def _plain(
    commands: Iterator[CommandFacts] | tuple[CommandFacts, ...] | list[CommandFacts], part: SliceFacts
) -> Iterator[bytes]:
    """The bytes of each command without names, the signature's place, and the size of __LINKEDIT, which holds it."""
    kind, vmsize, width = _SEGMENTS[part.bits]
    for command in commands:
        data = command.data
        if command.cmd in (c.LC_RPATH, c.LC_CODE_SIGNATURE):
            continue
        if command.name is not None:
            yield data[:4] + data[8 : command.name_offset]
        elif command.cmd == kind and data[8:24].rstrip(b"\0") == b"__LINKEDIT":
            filesize = vmsize + 2 * width
            yield data[:vmsize] + data[vmsize + width : filesize] + data[filesize + width :]
        else:
            yield data


def _names(old: SliceFacts, new: SliceFacts, asked: Asked) -> Iterator[Difference]:
    libraries, found = ([name for _, name in part.names(*DYLIB_COMMANDS)] for part in (old, new))
    names: Mapping[str, str] = asked.renamed or {}
    if asked.renamed is not None or len(libraries) != len(found):
        yield from _WANTED.differ("libraries", [names.get(name, name) for name in libraries], found)
    identity = tuple(name for _, name in old.names(c.LC_ID_DYLIB))
    if identity and asked.name is not True:
        identity = (asked.name,) if asked.name else identity
        yield from _WANTED.differ("LC_ID_DYLIB", identity, tuple(name for _, name in new.names(c.LC_ID_DYLIB)))
    if asked.search_path is not True:  # of two equal ones the second may go for want of room
        paths, others = ([name for _, name in part.names(c.LC_RPATH)] for part in (old, new))
        wanted = asked.search_path.done(paths) if isinstance(asked.search_path, PathEdits) else (*dict.fromkeys(paths),)
        yield from _WANTED.differ("LC_RPATH", wanted, tuple(dict.fromkeys(others)))


def _contents(files: tuple[BinaryIO, BinaryIO], old: SliceFacts, new: SliceFacts) -> Iterator[Difference]:
    """Everything behind the load commands is as it was, up to the signature; what lies between is zero."""
    head = max(old.commands_end, new.commands_end)
    end = old.signature[0] if old.signature is not None else old.size
    yield from _zero(files[0], old, (old.commands_end, head), "the source has bytes there")
    yield from _zero(files[1], new, (new.commands_end, head), "the source has none")
    yield from _same(files, old, new, (head, end))
    if old.signature is not None and new.signature is None:
        yield Difference("the signature", "the source has one", "the file has none")
    elif new.signature is None:
        yield from _SIDES.differ("the size of a slice", old.size, new.size)
    else:
        start, size = new.signature
        yield from _WANTED.differ("where the signature begins", -(-end // _ALIGNMENT) * _ALIGNMENT, start)
        yield from _WANTED.differ("where the signature ends", new.size, start + size)
        yield from _zero(files[1], new, (end, start), "the source has none")


def _same(files: tuple[BinaryIO, BinaryIO], old: SliceFacts, new: SliceFacts, place: Range) -> Iterator[Difference]:
    """The bytes of a range of the slices are equal."""
    low, high = place
    if high > new.size:
        yield Difference("the contents of a slice", f"the source has {high} bytes", f"the file has {new.size}")
        return
    differing = unequal(files[0], (old.offset + low, old.offset + high), files[1], new.offset + low)
    for start, end in itertools.islice(differing, 1):
        at = start - old.offset
        one = read_range(files[0], start, min(end, start + _SHOWN))
        other = read_range(files[1], new.offset + at, new.offset + at + len(one))
        what = f"{end - start} bytes at offset {at:#x} of a slice{_where(old, at)}"
        yield Difference(what, f"the source has {one.hex()}", f"the file has {other.hex()}")


def _where(part: SliceFacts, offset: int) -> str:
    for segment in part.segments:
        for section in segment.sections:
            if section.offset <= offset < section.offset + section.size:
                return f" in {section.segment},{section.name}"
        if segment.fileoff <= offset < segment.fileoff + segment.filesize and not segment.sections:
            return f" in {segment.name}"
    return ""


def _zero(file: BinaryIO, part: SliceFacts, place: Range, one: str) -> Iterator[Difference]:
    low, high = place
    if low < high:
        for start, _ in itertools.islice(not_zero(file, (part.offset + low, part.offset + high)), 1):
            yield Difference(f"offset {start - part.offset:#x} of a slice", one, "the file has something else there")


def _between(file: BinaryIO, facts: MachOFacts) -> Iterator[Difference]:
    """Between the slices of a fat file there are zeros, and each begins where its alignment asks."""
    if facts.fat_magic is None:
        return
    table = 8 + len(facts.slices) * (20 if facts.fat_magic == c.FAT_MAGIC else 32)
    taken = [(part.offset, part.offset + part.size) for part in facts.slices]
    for range_ in without([(0, facts.size)], [(0, table), *taken]):
        for start, _ in itertools.islice(not_zero(file, range_), 1):
            yield Difference(f"offset {start:#x}", "it lies between slices", "the file has something there")
    for part, (_, _, align) in zip(facts.slices, facts.archs, strict=True):
        if part.offset % (1 << align):
            yield Difference("a slice", f"it should begin at a multiple of {1 << align}", f"it begins at {part.offset}")
