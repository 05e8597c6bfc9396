"""Where each byte of a source is in the ELF file made of it, and which parts of both are compared by their meaning.

What the patcher does is told by tiers (bundler.binaries.elf): T0 and T1 keep every byte's offset, T2 puts bytes behind the last
segment, T3 a segment behind everything; T2 may also append section headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bundler.audit.readers.facts import ElfFacts, SectionFacts
from bundler.audit.readers.ranges import Range, union
from bundler.binaries.elf import constants as c

_HEADER_SIZES = {32: 52, 64: 64}


@dataclass(frozen=True, slots=True)
class Shift:
    """`growth` bytes more at offset `at`, and `headers` bytes more at `headers_at`, behind the section headers."""

    at: int
    growth: int
    headers_at: int
    headers: int

    def __call__(self, offset: int) -> int:
        """The changed file's offset of the byte at an offset of the source."""
        moved = offset + self.growth if offset >= self.at else offset
        return moved + self.headers if offset >= self.headers_at else moved

    def runs(self, range_: Range) -> Iterator[tuple[Range, int]]:
        """A range of the source in pieces that stay together, each with its start in the changed file."""
        start, end = range_
        for cut in sorted({min(max(cut, start), end) for cut in (self.at, self.headers_at, end)}):
            if start < cut:
                yield (start, cut), self(start)
                start = cut

    def image(self, range_: Range) -> list[Range]:
        """Where the bytes of a range are in the changed file."""
        return [(start, start + high - low) for (low, high), start in self.runs(range_)]

    def origin(self, range_: Range) -> list[Range]:
        """The bytes of the source that are in a range of the changed file."""
        found = []
        last = max(self.at, self.headers_at, range_[1])
        for (low, high), start in self.runs((0, last)):
            left, right = max(range_[0], start), min(range_[1], start + high - low)
            if left < right:
                found.append((low + left - start, low + right - start))
        return found


def shift_of(source: ElfFacts, changed: ElfFacts) -> Shift | None:
    """How the source's bytes were moved; None where the changed file is smaller than that."""
    size = source.header.shentsize
    headers = (len(changed.sections) - len(source.sections)) * size
    growth = changed.size - source.size - headers
    if growth < 0 or headers < 0:
        return None
    at = source.size
    loads = source.loads
    if loads and len(changed.segments) == len(source.segments):
        at = max(loads, key=lambda load: load.vaddr).range[1]
    headers_at = source.header.shoff + len(source.sections) * size if source.sections else source.size
    return Shift(at, growth, headers_at, headers)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is compared by its meaning and not byte by byte, as ranges of the source and of the changed file."""

    source: list[Range]
    changed: list[Range]


def parts_of(
    source: ElfFacts, changed: ElfFacts, shift: Shift, records: Iterable[Range], *, interpreter: bool
) -> Parts:
    """Headers, the dynamic section, the string table, and `records`, of versions and notes, that may change in place.

    With `interpreter` the interpreter's path is among them.
    """
    old, new = list(_parts(source)), list(_parts(changed))
    if source.header.phoff == changed.header.phoff:
        old.append(_program_headers(source))
    new.append(_program_headers(changed))
    if interpreter:
        old += [source.interpreter_segment.range] if source.interpreter_segment else []
        new += [changed.interpreter_segment.range] if changed.interpreter_segment else []
    for range_ in records:
        old.append(range_)
        new += shift.image(range_)
    return Parts(union(old), union(new))


def _parts(facts: ElfFacts) -> Iterator[Range]:
    yield 0, _HEADER_SIZES[facts.bits]
    yield section_headers(facts)
    if facts.dynamic_segment is not None:
        yield facts.dynamic_segment.range
    if facts.strings is not None:
        yield facts.strings.range


def _program_headers(facts: ElfFacts) -> Range:
    return facts.header.phoff, facts.header.phoff + len(facts.segments) * facts.header.phentsize


def section_headers(facts: ElfFacts) -> Range:
    """The bytes of the section header table."""
    return facts.header.shoff, facts.header.shoff + len(facts.sections) * facts.header.shentsize


def owned_by_sections(sections: tuple[SectionFacts, ...]) -> list[Range]:
    """The bytes of the file that sections have."""
    return union(
        (each.offset, each.offset + each.size) for each in sections if each.type not in (c.SHT_NULL, c.SHT_NOBITS)
    )
