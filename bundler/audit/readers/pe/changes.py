"""A PE file against its source: what no name that was asked for explains, and every byte that no table explains.

Nothing moves: a byte of the source is at its old offset, or it belongs to the headers, a descriptor, a name, a forwarded export,
the bytes behind the end of a section that grew, or the signature. A new section may follow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from bundler.audit.readers.asked import Asked
from bundler.audit.readers.bytewise import read_range, unequal
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.pe.facts import ImportFacts, PeFacts, SectionFacts
from bundler.audit.readers.ranges import Range, union, without
from bundler.machine import os

_SIDES = Sides("the source has", "the file has")
_WANTED = Sides("it should be", "the file has")
_EXPORT, _SECURITY, _BOUND_IMPORT = 0, 4, 11
_SHOWN = 12
_MAY_CHANGE = ("CheckSum", "SizeOfImage", "SizeOfInitializedData", "NumberOfSections")
_UNBOUND = ("Name", "szName", "TimeDateStamp", "dwTimeStamp", "ForwarderChain")
_NEW_NAME, _NEW_FLAGS = ".bundler", 0x40000040
"""Initialised data that can be read."""


def pe_changes(
    source_file: BinaryIO, source: PeFacts, changed_file: BinaryIO, changed: PeFacts, asked: Asked
) -> Iterator[Difference]:
    """All that differs and was not asked for; of the contents the first place."""
    if source == changed or source.size == changed.size:
        source_file.seek(0)
        changed_file.seek(0)
        if next(unequal(source_file, (0, source.size), changed_file, 0), None) is None:
            return
    yield from _headers(source, changed)
    yield from _sections(source, changed)
    yield from _names(source, changed, asked)
    yield from _contents((source_file, changed_file), source, changed)


def _headers(old: PeFacts, new: PeFacts) -> Iterator[Difference]:
    for name, value in old.header.items():
        if name not in _MAY_CHANGE:
            yield from _SIDES.differ(name, value, new.header.get(name))
    yield from _WANTED.differ("NumberOfSections", len(new.sections), new.header["NumberOfSections"])
    more = len(new.sections) - len(old.sections)
    size = old.header["SizeOfInitializedData"] + (new.sections[-1].raw_size if more else 0)
    yield from _WANTED.differ("SizeOfInitializedData", size & 0xFFFFFFFF, new.header["SizeOfInitializedData"])
    checksum = new.true_checksum if old.header["CheckSum"] else 0
    yield from _WANTED.differ("CheckSum", checksum, new.header["CheckSum"])
    for number, pair in enumerate(zip(old.directories, new.directories, strict=False)):
        if number in (_SECURITY, _BOUND_IMPORT):
            yield from _WANTED.differ(f"data directory {number}", (0, 0), pair[1])
        elif number != _EXPORT or not _is_in_new_bytes(pair[1], old, new):
            yield from _SIDES.differ(f"data directory {number}", *pair)
    yield from _SIDES.differ("the load configuration", old.load_config, new.load_config)


def _is_in_new_bytes(directory: tuple[int, int], old: PeFacts, new: PeFacts) -> bool:
    """Whether the export directory lies in the bytes by which a section grew, or in a new one, and ends with a forwarder."""
    texts = {each.text_offset + len(os.fsencode(each.text)) + 1 for each in new.forwarders}
    ends = [section.address + section.virtual_size for section in old.sections]
    grown = itertools.zip_longest(ends, new.sections)
    return any(
        section is not None
        and (section.address if end is None else end) <= directory[0]
        and sum(directory) <= section.address + section.virtual_size
        and sum(directory) - section.address + section.raw_offset in texts
        for end, section in grown
    )


def _ends_with_text(section: SectionFacts, texts: set[int], facts: PeFacts) -> bool:
    """Whether a section ends with a name (`texts`: where these end) or with the export directory, which has names at its end."""
    at_end = sum(facts.directories[_EXPORT]) == section.address + section.virtual_size
    return at_end or section.raw_offset + section.virtual_size in texts


def _sections(old: PeFacts, new: PeFacts) -> Iterator[Difference]:
    texts = {dll.name_offset + len(os.fsencode(dll.name)) + 1 for dll in (*new.imports, *new.delayed)}
    for before, after in zip(old.sections, new.sections, strict=False):
        grown = before._replace(virtual_size=after.virtual_size)
        yield from _SIDES.differ(f"the section {before.name}", grown, after)
        if before.virtual_size != after.virtual_size:
            whole = before.virtual_size < after.virtual_size <= after.raw_size and _ends_with_text(after, texts, new)
            if not whole:
                yield from _SIDES.differ(f"the size of {before.name}", before.virtual_size, after.virtual_size)
    if len(new.sections) > len(old.sections) and not _ends_with_text(new.sections[-1], texts, new):
        yield Difference("the new section", "it should end with a name", f"the file has {new.sections[-1]}")
    added = new.sections[len(old.sections) :]
    if len(new.sections) < len(old.sections) or len(added) > 1:
        yield from _SIDES.differ("the number of sections", len(old.sections), len(new.sections))
    step = new.header["SectionAlignment"]
    for section in added:
        last = max((each.address + (each.virtual_size or each.raw_size) for each in old.sections), default=0)
        kind = section.name, section.flags, section.rest, section.address
        yield from _WANTED.differ(
            "the new section", (_NEW_NAME, _NEW_FLAGS, (0, 0, 0, 0), -(-last // step) * step), kind
        )
        yield from _WANTED.differ("the end of the file", section.raw_offset + section.raw_size, new.size)
    end = max((each.address + (each.virtual_size or each.raw_size) for each in new.sections), default=0)
    yield from _WANTED.differ(
        "SizeOfImage", max(-(-end // step) * step, old.header["SizeOfImage"]), new.header["SizeOfImage"]
    )


def _names(old: PeFacts, new: PeFacts, asked: Asked) -> Iterator[Difference]:
    names = None if asked.renamed is None else {_folded(name): text for name, text in asked.renamed.items()}
    for what, before, after in (
        ("imports", old.imports, new.imports),
        ("delayed imports", old.delayed, new.delayed),
    ):
        if names is not None or len(before) != len(after):
            wanted = [_renamed(each.name, names or {}) for each in before]
            yield from _WANTED.differ(what, wanted, [each.name for each in after])
        yield from _SIDES.differ(f"what is behind {what}", [*map(_rest, before)], [*map(_rest, after)])
    yield from _SIDES.differ("the export directory's name", old.name, new.name)
    yield from _SIDES.differ("the export directory", old.export_directory, new.export_directory)
    yield from _SIDES.differ("exports", old.exports, new.exports)
    leads = [(each.number, each.text if names is None else _led(each.text, names)) for each in old.forwarders]
    found = [(each.number, each.text) for each in new.forwarders]
    if names is None:  # the same exports of the same names, wherever
        leads, found = ([(number, text.rpartition(".")[2]) for number, text in each] for each in (leads, found))
    yield from _WANTED.differ("forwarded exports", leads, found)


def _rest(dll: ImportFacts) -> tuple[object, ...]:
    return dll.descriptor, *(field for field in dll.fields if field[0] not in _UNBOUND)


def _folded(name: str) -> str:
    lower = os.fsdecode(os.fsencode(name).lower())
    return lower if "." in lower else f"{lower}.dll"


def _renamed(name: str, names: Mapping[str, str]) -> str:
    return names.get(_folded(name), name)


def _led(text: str, names: Mapping[str, str]) -> str:
    """A forwarded export with its DLL renamed: `.dll` is left out where nothing in front of it has a dot."""
    dll, _, symbol = text.rpartition(".")
    new = names.get(_folded(dll))
    if new is None or _folded(new) == _folded(dll):
        return text
    stem = new[:-4] if new.lower().endswith(".dll") else new
    return f"{new if '.' in stem else stem}.{symbol}"


def _contents(files: tuple[BinaryIO, BinaryIO], old: PeFacts, new: PeFacts) -> Iterator[Difference]:
    """Every byte of the source that no table explains is where it was, and the file ends where it did, or with a new section."""
    start, end = old.certificate
    kept = start if end == old.size else old.size
    if new.size < kept or (new.size > kept and len(new.sections) == len(old.sections)):
        yield from _SIDES.differ("the size of the file without its signature", kept, new.size)
        return
    for range_ in without([(0, kept)], _explained(old, new)):
        for low, high in itertools.islice(unequal(files[0], range_, files[1], range_[0]), 1):
            one, other = (read_range(file, low, min(high, low + _SHOWN)) for file in files)
            yield Difference(
                f"{high - low} bytes at offset {low:#x}", f"the source has {one.hex()}", f"the file has {other.hex()}"
            )
            return


def _explained(old: PeFacts, new: PeFacts) -> list[Range]:
    """The bytes that headers, names and the growth of sections take."""
    checksum = (old.checksum_offset, old.checksum_offset + 4)
    found = [(old.header_range[0], new.header_range[1]), checksum]
    for dll in (*old.imports, *old.delayed):
        found += [dll.descriptor, (dll.name_offset, dll.name_offset + len(os.fsencode(dll.name)) + 1)]
    for each in old.forwarders:
        found.append((each.entry_offset, each.entry_offset + 4))
        found.append((each.text_offset, each.text_offset + len(os.fsencode(each.text)) + 1))
    for before, after in zip(old.sections, new.sections, strict=False):
        found.append((before.raw_offset + before.virtual_size, before.raw_offset + after.virtual_size))
    return union(found)
