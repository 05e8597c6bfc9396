"""The dynamic string table before and after: it may give up strings, put others in their room, and grow behind; no more.

Linkers let strings share their tails, so a name that stays may lie in one that goes: the names of symbols are looked at wherever
bytes of the table changed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.bytewise import not_zero, read_range, unequal
from bundler.audit.readers.difference import Difference, Sides
from bundler.audit.readers.elf.symbols import names_in
from bundler.audit.readers.facts import ElfFacts, StringsFacts
from bundler.audit.readers.ranges import Range, holds, union, without
from bundler.machine import os

_SIDES = Sides("the source has", "the file has")
_MOST = 1 << 16
"""More places than this in which a table differs are a table that was not changed but lost."""
_STEP = 256


def string_differences(
    source_file: BinaryIO, source: ElfFacts, changed_file: BinaryIO, changed: ElfFacts
) -> Iterator[Difference]:
    """Bytes of the table that nobody asked to change, and names of symbols that read otherwise."""
    old, new = source.strings, changed.strings
    if old is None or new is None:
        yield from _SIDES.differ("the string table", old, new)
        return
    if new.size < old.size:
        yield from _SIDES.differ("the size of the string table", old.size, new.size)
        return
    differing = list(itertools.islice(unequal(source_file, old.range, changed_file, new.offset), _MOST))
    places = [(start - old.offset, end - old.offset) for start, end in differing]
    if len(places) == _MOST:
        yield Difference("the string table", "the source has one", "the file has another")
        return
    tail = itertools.islice(not_zero(changed_file, (new.offset + old.size, new.offset + new.size)), _MOST)
    grown = [(start - new.offset, end - new.offset) for start, end in tail]
    yield from _given_up(source_file, source, changed, places)
    yield from _used(changed_file, changed, [*places, *grown])
    yield from _symbols(source_file, source, changed_file, changed, places)


def _given_up(file: BinaryIO, source: ElfFacts, changed: ElfFacts, places: list[Range]) -> Iterator[Difference]:
    """Changed bytes must be those of strings that nobody names any more, or zeros that end no string."""
    if not places:
        return
    old = source.strings
    assert old is not None
    for start, end in without(places, _free(file, source, changed)):
        data = read_range(file, old.offset + max(start - 1, 0), old.offset + min(end, start + _STEP))
        if start == 0 or data.strip(b"\0"):
            text = _text_at(file, old, start)
            yield Difference(f"the string table at {start}", f"the source has {text!r}", "the file has other bytes")


def _free(file: BinaryIO, source: ElfFacts, changed: ElfFacts) -> list[Range]:
    """The room of all strings that nobody names any more."""
    assert source.strings is not None
    return [_room(file, source.strings, index) for index, _ in _named(source) - _named(changed)]


def _named(facts: ElfFacts) -> set[tuple[int, str]]:
    """All strings that the dynamic section and the needed versions name, each with its place in the table."""
    found = {(name.place, name.text) for name in facts.names}
    for need in facts.needs:
        found.add((need.place, need.library))
        found |= {(version.place, version.name) for version in need.versions}
    return found


def _room(file: BinaryIO, strings: StringsFacts, index: int) -> Range:
    """The bytes of a string and of all zeros behind it."""
    at, ended = strings.offset + index, False
    end = strings.offset + strings.size
    while at < end:
        data = read_range(file, at, min(at + _STEP, end))
        skip = 0
        if not ended:
            skip = data.find(b"\0")
            if skip < 0:
                at += len(data)
                continue
            ended = True
        rest = data[skip:].lstrip(b"\0")
        if rest:
            return index, at + len(data) - len(rest) - strings.offset
        at += len(data)
    return index, strings.size


def _used(file: BinaryIO, changed: ElfFacts, places: list[Range]) -> Iterator[Difference]:
    """New bytes must be those of names that the file has now, or zeros."""
    strings = changed.strings
    assert strings is not None
    named = [(index, index + len(os.fsencode(text)) + 1) for index, text in _named(changed)] if places else []
    for start, end in without(places, named):
        for low, _ in not_zero(file, (strings.offset + start, strings.offset + end)):
            text = _text_at(file, strings, low - strings.offset)
            yield Difference(f"the string table at {start}", "nothing names what is there", f"the file has {text!r}")
            break


def _symbols(
    source_file: BinaryIO, source: ElfFacts, changed_file: BinaryIO, changed: ElfFacts, places: list[Range]
) -> Iterator[Difference]:
    """Names of symbols that begin in, or run into, what changed must read as before."""
    old, new = source.strings, changed.strings
    assert old is not None and new is not None
    if not places:
        return
    wanted = union((_beginning(source_file, old, start), end) for start, end in places)
    found = names_in(source_file, source, (wanted[0][0], wanted[-1][1]))
    if found is None:
        yield Difference("the string table", "the source's symbols cannot be counted", "the file has other strings")
        return
    for index in sorted(index for index in found if holds(wanted, index)):
        what = f"the symbol's name at {index}"
        yield from _SIDES.differ(what, _text_at(source_file, old, index), _text_at(changed_file, new, index))


def left_differences(
    files: tuple[BinaryIO, BinaryIO], facts: tuple[ElfFacts, ElfFacts], runs: list[tuple[Range, int]]
) -> Iterator[Difference]:
    """Where a table was that moved: as it was, as it is in the new table, or zeros where a string was given up.

    `runs` are ranges of the source there, each with its place in the changed file.
    """
    old, new = facts[0].strings, facts[1].strings
    if old is None or new is None:
        return
    for run, place in runs:
        for low, high in unequal(files[0], run, files[1], place):
            start = low - old.offset
            left = read_range(files[1], place + low - run[0], place + high - run[0])
            now = read_range(files[1], new.offset + start, new.offset + start + high - low)
            free = _free(files[0], facts[0], facts[1])
            for index, (byte, wanted) in enumerate(zip(left, now, strict=True), start):
                if byte != wanted and (byte or not holds(free, index)):
                    text = _text_at(files[0], old, start)
                    what = f"what the string table left behind at {index}"
                    yield Difference(what, f"the source has {text!r}", "the file has other bytes")
                    return


def _beginning(file: BinaryIO, strings: StringsFacts, index: int) -> int:
    """Where the run of bytes begins that holds the one at an index: behind the NUL in front of it."""
    end = strings.offset + index
    while end > strings.offset:
        start = max(strings.offset, end - _STEP)
        found = read_range(file, start, end).rfind(b"\0")
        if found >= 0:
            return start + found + 1 - strings.offset
        end = start
    return 0


def _text_at(file: BinaryIO, strings: StringsFacts, index: int) -> str:
    """The string at an index, at most a few hundred bytes of it."""
    data = read_range(file, strings.offset + index, strings.offset + min(index + 4 * _STEP, strings.size))
    return os.fsdecode(data.partition(b"\0")[0])
