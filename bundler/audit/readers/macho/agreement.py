"""What the patcher's reader and macholib read of the same Mach-O file."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.facts import MachOFacts, MachSegment, SliceFacts
from bundler.audit.readers.macho.reading import DYLIB_COMMANDS
from bundler.binaries.macho import Image, Slice
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.image import Segment

SIDES = Sides("bundler reads", "macholib reads")


def macho_disagreements(image: Image, facts: MachOFacts) -> Iterator[Difference]:
    """Every field that both read, slice by slice."""
    yield from SIDES.differ("the size of the file", image.size, facts.size)
    yield from SIDES.differ("the fat header's magic number", image.fat_magic, facts.fat_magic)
    archs = tuple((arch.cputype, arch.cpusubtype, arch.align) for arch in image.fat_archs)
    yield from SIDES.differ("the fat header", archs, facts.archs)
    places = [(part.offset, part.size) for part in image.slices], [(part.offset, part.size) for part in facts.slices]
    yield from SIDES.differ("slices", *places)
    for own, other in zip(image.slices, facts.slices, strict=False):
        of = f" of {own.architecture}" if image.fat_magic is not None else ""
        for what, one, two in _fields(own, other):
            yield from SIDES.differ(what + of, one, two)


def _fields(own: Slice, other: SliceFacts) -> Iterator[tuple[str, object, object]]:
    yield "the size of pointers in bits", own.structures.bits, other.bits
    yield "the byte order", own.structures.byteorder, other.byteorder
    yield "the processor", (own.cputype, own.cpusubtype), (other.cputype, other.cpusubtype)
    yield "the file type", own.filetype, other.filetype
    identity = other.names(c.LC_ID_DYLIB)
    yield "LC_ID_DYLIB", own.install_name, identity[0][1] if identity else None
    dylibs = [f"{name} ({kind:#x})" for kind, name in other.names(*DYLIB_COMMANDS)]
    yield "libraries", [f"{dylib.name} ({dylib.kind.value:#x})" for dylib in own.dylibs], dylibs
    yield "LC_RPATH", own.rpaths, tuple(name for _, name in other.names(c.LC_RPATH))
    yield "the minimum version of macOS", own.minimum_os, other.minimum_os
    yield "the signature's place", own.signature, other.signature
    commands = [(each.cmd, each.data) for each in other.commands]
    yield "load commands", [(each.cmd, each.data) for each in own.commands], commands
    yield "segments", [_own_segment(each) for each in own.segments], [_segment(each) for each in other.segments]


def _own_segment(segment: Segment) -> tuple[object, ...]:
    sections = [(each.name, each.address, each.size, each.offset, each.flags) for each in segment.sections]
    return segment.name, segment.vmaddr, segment.vmsize, segment.fileoff, segment.filesize, sections


def _segment(segment: MachSegment) -> tuple[object, ...]:
    sections = [(each.name, each.address, each.size, each.offset, each.flags) for each in segment.sections]
    return segment.name, segment.vmaddr, segment.vmsize, segment.fileoff, segment.filesize, sections
