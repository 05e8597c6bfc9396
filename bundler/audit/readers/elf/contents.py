"""The bytes of an ELF file against its source's: each one that nobody asked to change is there, at its place; what is new is
zero but for the parts that were put there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.asked import Asked
from bundler.audit.readers.bytewise import not_zero, read_range, unequal
from bundler.audit.readers.difference import Difference
from bundler.audit.readers.elf.constants import overwritten_constant
from bundler.audit.readers.elf.notes import emptied_ranges, left_in_notes
from bundler.audit.readers.elf.shift import Parts, Shift, owned_by_sections, parts_of
from bundler.audit.readers.elf.strings import left_differences, string_differences
from bundler.audit.readers.elf.symbols import followed
from bundler.audit.readers.elf.versions import byte_differences, changing_ranges
from bundler.audit.readers.facts import ElfFacts
from bundler.audit.readers.ranges import Range, common, union, without
from bundler.binaries.elf import constants as c
from bundler.machine import os

_PADDING = 16
_MOST_PLACES = 8
_SHOWN = 12


def content_differences(
    source_file: BinaryIO, source: ElfFacts, changed_file: BinaryIO, changed: ElfFacts, shift: Shift, asked: Asked
) -> Iterator[Difference]:
    """Bytes that differ and were not to; at most a few places are told."""
    files, facts = (source_file, changed_file), (source, changed)
    records = list(changing_ranges(source_file, source, asked))
    if asked.notes:
        records += emptied_ranges(source_file, source)
    interpreter = source.interpreter_segment != changed.interpreter_segment or asked.interpreter is not False
    parts = parts_of(source, changed, shift, records, interpreter=interpreter)
    yield from _same(files, facts, shift, parts, asked)
    yield from _new(changed_file, source, changed, shift, parts)
    yield from _overlaid(source_file, source, shift, parts)
    yield from _left(files, source, shift, parts)
    yield from _behind_dynamic(files, facts)
    if interpreter and changed.interpreter_segment is not None:
        start, end = changed.interpreter_segment.range
        text = len(os.fsencode(changed.interpreter or ""))
        yield from _zeros(changed_file, (start + text, end), "behind the interpreter's path")
    if source.strings is not None or changed.strings is not None:
        yield from string_differences(source_file, source, changed_file, changed)
        yield from left_differences(files, facts, _left_behind(source, changed, shift, parts))
    if asked.notes:
        yield from left_in_notes(source_file, source, changed_file, shift)
    if asked.loses_versions:
        yield from byte_differences(files, source, changed, shift)


def _same(
    files: tuple[BinaryIO, BinaryIO], facts: tuple[ElfFacts, ElfFacts], shift: Shift, parts: Parts, asked: Asked
) -> Iterator[Difference]:
    """All bytes of the source but the parts, and constants that were asked for, are in the changed file, where the shift says."""
    overlaid = [each for range_ in parts.changed for each in shift.origin(range_)]
    told = 0
    for range_ in without([(0, facts[0].size)], [*parts.source, *overlaid]):
        for run, start in shift.runs(range_):
            known: list[Range] = []
            for place in unequal(files[0], run, files[1], start):
                if not without([place], known):
                    continue
                moved = start + place[0] - run[0]
                known = union([*known, *followed(files, facts, place, moved)])
                constant = overwritten_constant(files, facts[0], place, moved, asked.constants)
                known = known if constant is None else union([*known, constant])
                for low, high in without([place], known):
                    yield _bytes_differ(files, facts[0], (low, high), start + low - run[0])
                    told += 1
                    if told == _MOST_PLACES:
                        return


def _bytes_differ(files: tuple[BinaryIO, BinaryIO], facts: ElfFacts, place: Range, start: int) -> Difference:
    low, high = place[0], min(place[1], place[0] + _SHOWN)
    old, new = read_range(files[0], low, high), read_range(files[1], start, start + high - low)
    what = f"{place[1] - place[0]} bytes at offset {low:#x}{where(files[0], facts, low)}"
    return Difference(what, f"the source has {old.hex()}", f"the file has {new.hex()}")


def where(file: BinaryIO, facts: ElfFacts, offset: int) -> str:
    """The name of the section that holds an offset, as ` in .text`; nothing where none does."""
    for section in facts.sections:
        if section.type not in (c.SHT_NULL, c.SHT_NOBITS) and section.offset <= offset < section.offset + section.size:
            number = facts.header.shstrndx
            names = facts.sections[number] if number < len(facts.sections) else None
            start = names.offset + section.name if names is not None else facts.size
            name = read_range(file, start, min(start + 64, facts.size)) if start < facts.size else b""
            return " in " + name.partition(b"\0")[0].decode("utf-8", "backslashreplace")
    return ""


def _new(file: BinaryIO, source: ElfFacts, changed: ElfFacts, shift: Shift, parts: Parts) -> Iterator[Difference]:
    """Bytes that the source does not have are zeros, but for the parts: former .bss among them."""
    known = shift.image((0, source.size))
    for range_ in without([(0, changed.size)], [*known, *parts.changed]):
        yield from _zeros(file, range_, "new")


def _zeros(file: BinaryIO, range_: Range, which: str) -> Iterator[Difference]:
    for low, high in itertools.islice(not_zero(file, range_), 1):
        data = read_range(file, low, min(high, low + _SHOWN))
        yield Difference(f"{which} bytes at offset {low:#x}", "they should be zero", f"the file has {data.hex()}")


def _overlaid(file: BinaryIO, source: ElfFacts, shift: Shift, parts: Parts) -> Iterator[Difference]:
    """What a part was put over was zero and nobody's, or an old part, or the padding beside one."""
    covered = [each for range_ in parts.changed for each in shift.origin(range_)]
    beside = [(max(low - _PADDING, 0), high + _PADDING) for low, high in parts.source]
    loaded = without([load.range for load in source.loads], beside)
    for range_ in common(without(covered, parts.source), [*owned_by_sections(source.sections), *loaded]):
        yield Difference(f"offset {range_[0]:#x}", "the source has contents there", "the file has a table over them")
    for range_ in without(covered, parts.source):
        for low, _ in itertools.islice(not_zero(file, range_), 1):
            yield Difference(f"offset {low:#x}", "the source has bytes there", "the file has a table over them")


def _left(files: tuple[BinaryIO, BinaryIO], source: ElfFacts, shift: Shift, parts: Parts) -> Iterator[Difference]:
    """What a part left behind is as it was, or all zeros; but for strings."""
    overlaid = [each for range_ in parts.changed for each in shift.origin(range_)]
    strings = [source.strings.range] if source.strings is not None else []
    for range_ in without(parts.source, [*overlaid, *strings]):
        for run, start in shift.runs(range_):
            first = next(unequal(files[0], run, files[1], start), None)
            if first is not None and any(not_zero(files[1], (start, start + run[1] - run[0]))):
                yield _bytes_differ(files, source, first, start + first[0] - run[0])
                return


def _left_behind(source: ElfFacts, changed: ElfFacts, shift: Shift, parts: Parts) -> list[tuple[Range, int]]:
    """Where a string table was that moved, without what was put over it: ranges of the source, and the place of each now."""
    old, new = source.strings, changed.strings
    if old is None or new is None or shift(old.offset) == new.offset:
        return []
    overlaid = [each for range_ in parts.changed for each in shift.origin(range_)]
    return [run for range_ in without([old.range], overlaid) for run in shift.runs(range_)]


def _behind_dynamic(files: tuple[BinaryIO, BinaryIO], facts: tuple[ElfFacts, ElfFacts]) -> Iterator[Difference]:
    """From DT_NULL on there are zeros, or what the source has there."""
    source, changed = facts
    old, new = source.dynamic_segment, changed.dynamic_segment
    if old is None or new is None:
        return
    start = new.offset + len(changed.dynamic or ()) * changed.bits // 4
    for low, high in not_zero(files[1], (start, new.range[1])):
        at = old.offset + low - new.offset
        same = old.vaddr == new.vaddr and read_range(files[0], at, at + high - low) == read_range(files[1], low, high)
        if not same:
            yield Difference("the bytes from DT_NULL on", "they should be zero", f"the file has some at {low:#x}")
            return
