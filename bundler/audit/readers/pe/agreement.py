"""What the patcher's reader and pefile read of the same PE file."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.pe.facts import ImportFacts, PeFacts
from bundler.binaries.pe import Image, ImportedDll

SIDES = Sides("bundler reads", "pefile reads")


def pe_disagreements(image: Image, facts: PeFacts) -> Iterator[Difference]:
    """Every field that both read."""
    for what, one, other in _fields(image, facts):
        yield from SIDES.differ(what, one, other)


def _fields(image: Image, facts: PeFacts) -> Iterator[tuple[str, object, object]]:
    own, header = image.headers, facts.header
    yield "the size of the file", own.size, facts.size
    yield "the size of pointers in bits", own.layout.bits, facts.bits
    yield "the checksum's place", own.optional_offset + 64, facts.checksum_offset
    for name, value in (
        ("Machine", own.machine),
        ("Characteristics", own.characteristics),
        ("PointerToSymbolTable", own.symbols),
        ("ImageBase", own.image_base),
        ("SectionAlignment", own.section_alignment),
        ("FileAlignment", own.file_alignment),
        ("MajorOperatingSystemVersion", own.os_version[0]),
        ("MinorOperatingSystemVersion", own.os_version[1]),
        ("MajorSubsystemVersion", own.subsystem_version[0]),
        ("MinorSubsystemVersion", own.subsystem_version[1]),
        ("SizeOfImage", own.size_of_image),
        ("SizeOfHeaders", own.size_of_headers),
        ("CheckSum", own.checksum),
        ("Subsystem", own.subsystem),
        ("DllCharacteristics", own.dll_characteristics),
    ):
        yield name, value, header[name]
    directories = tuple((each.address, each.size) for each in own.directories)
    yield "data directories", directories, facts.directories
    sections = [(s.name, s.virtual_size, s.address, s.raw_size, s.raw_offset, s.flags) for s in own.sections]
    yield "sections", sections, [each[:6] for each in facts.sections]
    yield "imports", _own([dll for dll in image.imports if not dll.delayed]), _theirs(facts.imports)
    yield "delayed imports", _own([dll for dll in image.imports if dll.delayed]), _theirs(facts.delayed)
    yield "the export directory's name", image.name, facts.name
    exports = image.exports
    yield "the export directory", exports.directory if exports is not None else (), facts.export_directory
    forwarders = [(each.number, each.text) for each in exports.forwarders] if exports is not None else []
    yield "forwarded exports", forwarders, [(each.number, each.text) for each in facts.forwarders]
    config = image.load_config
    found = (config.size, config.dependent_load_flags, config.chpe_metadata) if config is not None else None
    if facts.load_config is not None or found is None:  # pefile reads none of an unknown size
        yield "the load configuration", found, facts.load_config


def _own(dlls: list[ImportedDll]) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(dll.name, dll.offset, dll.descriptor) for dll in dlls]


def _theirs(dlls: tuple[ImportFacts, ...]) -> list[tuple[str, int, tuple[int, ...]]]:
    return [(dll.name, dll.descriptor[0], tuple(dict(dll.fields).values())) for dll in dlls]
