"""What the patcher's reader and pyelftools read of the same ELF file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.elf.notes import notes
from bundler.audit.readers.elf.own_loader import own_loader
from bundler.audit.readers.facts import ElfFacts
from bundler.binaries.elf import Image, version_needs
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.versions import definition_names
from bundler.errors import BinaryFormatError

SIDES = Sides("bundler reads", "pyelftools reads")


def elf_disagreements(image: Image, file: BinaryIO, facts: ElfFacts) -> Iterator[Difference]:
    """Every field that both read."""
    header = facts.header
    for what, own, other in (
        ("the size of the file", image.size, facts.size),
        ("the class in bits", image.elf_class.bits, facts.bits),
        ("the byte order", image.byteorder, facts.byteorder),
        ("e_machine", image.machine, header.machine),
        ("e_type", image.type, header.type),
        ("DT_NEEDED", image.needed, facts.texts(c.DT_NEEDED)),
        ("DT_SONAME", image.soname, _last(facts, c.DT_SONAME)),
        ("DT_RPATH", image.rpath, _last(facts, c.DT_RPATH)),
        ("DT_RUNPATH", image.runpath, _last(facts, c.DT_RUNPATH)),
        ("the interpreter", image.interpreter, facts.interpreter),
        ("the search path with it", image.own_rpath, _last(facts, c.DT_OWN_RPATH)),
        ("the loader of its own", (image.own_loader, image.host_floor), own_loader(file, facts)),
        ("program headers", [*map(tuple, image.segments)], [*map(tuple, facts.segments)]),
        ("dynamic tags", _entries(image.dynamic), _entries(facts.dynamic)),
    ):
        yield from SIDES.differ(what, own, other)
    needed = [f"{need.library} {version.name}" for need in facts.needs for version in need.versions]
    yield from SIDES.differ("versions needed", _own_needs(file, image), needed)
    defined = [name for definition in facts.definitions for name in definition.names]
    yield from SIDES.differ("versions defined", _own_definitions(file, image), defined)
    own_notes = [(note.owner, note.type, note.offset, note.description_offset) for note in image.notes]
    others = [(note.owner, note.type, note.start, note.description[0]) for note in notes(file, facts)]
    yield from SIDES.differ("notes", own_notes, others)


def _last(facts: ElfFacts, tag: int) -> str | None:
    """The string of the last entry with a tag: glibc keeps that one."""
    return next(iter(facts.texts(tag)[::-1]), None)


def _entries(dynamic: tuple[tuple[int, int], ...] | None) -> list[str] | None:
    return None if dynamic is None else [f"{tag:#x} = {value:#x}" for tag, value in dynamic]


def _own_needs(file: BinaryIO, image: Image) -> list[str] | str:
    try:
        return [f"{need.library} {need.version}" for need in version_needs(file, image)]
    except BinaryFormatError as error:
        return error.message


def _own_definitions(file: BinaryIO, image: Image) -> list[str] | str:
    from bundler.binaries.elf.strings import read_string_table

    try:
        indices = list(definition_names(file, image))
        table = read_string_table(file, image) if indices else None
        return [table.text(index).decode("utf-8", "surrogateescape") for index in indices] if table is not None else []
    except BinaryFormatError as error:
        return error.message
