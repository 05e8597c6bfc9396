"""Whatever else is changed in a file that the patcher made is found: named mutants, and every single byte."""

from __future__ import annotations

import dataclasses
import functools
import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.audit.readers.comparison import PACKED, Asked
from bundler.audit.readers.elf.reading import read_elf
from bundler.audit.readers.elf.symbols import symbol_versions
from bundler.audit.readers.facts import ElfFacts, SectionFacts
from bundler.binaries.elf import Edits, ElfClass, Tier
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import DynamicEntry, Layout, Structures, structures
from tests.audit.readers.changed import (
    EDITS,
    LONG,
    ORDERS,
    VERSION_EDITS,
    Changed,
    change,
    changes,
    changes_in_a_new_segment,
    changes_with_another_section,
    flipped,
    told,
)
from tests.binaries.elf.samples import STRINGS, make_sample
from tests.material.elf_fixtures import set_of

KINDS = [(elf_class, order) for elf_class in ElfClass for order in ORDERS]


@functools.cache
def program(tier: Tier = Tier.T2, machine: str = "x86_64") -> Changed:
    """A program with a longer search path, in place or behind the last segment."""
    found = change((set_of(machine).folder / "pie").read_bytes(), Edits(LONG if tier is Tier.T2 else "$ORIGIN"))
    assert found is not None
    assert found.tier is tier
    assert told(found) == []
    return found


@functools.cache
def library(machine: str = "x86_64") -> Changed:
    """A library that defines and needs versions."""
    found = change((set_of(machine).folder / "libwhich.so").read_bytes(), Edits(LONG))
    assert found is not None
    assert told(found) == []
    return found


class Mutant:
    """The file that the patcher made, while it is damaged."""

    def __init__(self, changed: Changed) -> None:
        self.changed = changed
        self.data = bytearray(changed.data)
        self.facts = changed.facts
        order = "little" if self.facts.byteorder == "little" else "big"
        self.layouts: Structures = structures(ElfClass(self.facts.bits // 32), order)

    def put(self, at: int, data: bytes | bytearray) -> None:
        self.data[at : at + len(data)] = data

    def field(self, layout: Layout[object], start: int, name: str, value: int) -> None:
        """Write one field of the structure that begins at `start`."""
        self.put(start + layout.position(name), layout.pack_field(name, value))

    def segment(self, number: int, name: str, value: int) -> None:
        start = self.facts.header.phoff + number * self.layouts.segment.size
        self.field(self.layouts.segment, start, name, value)  # type: ignore[arg-type]

    def section(self, kind: int, name: str, value: int) -> None:
        number = next(n for n, section in enumerate(self.facts.sections) if section.type == kind)
        start = self.facts.header.shoff + number * self.layouts.section.size
        self.field(self.layouts.section, start, name, value)  # type: ignore[arg-type]

    def entry(self, tag: int) -> int:
        """Where the last entry with a tag is."""
        assert self.facts.dynamic is not None and self.facts.dynamic_segment is not None
        number = max(n for n, (found, _) in enumerate(self.facts.dynamic) if found == tag)
        return self.facts.dynamic_segment.offset + number * self.layouts.dynamic.size

    def load(self, flags: int) -> int:
        return next(n for n, each in enumerate(self.facts.segments) if each.type == c.PT_LOAD and each.flags == flags)

    def told(self, asked: Asked | None = None) -> list[str]:
        return told(self.changed, bytes(self.data), asked)


def section_named(facts: ElfFacts, data: bytes, name: str) -> SectionFacts:
    names = facts.sections[facts.header.shstrndx].offset
    return next(each for each in facts.sections if data[names + each.name :].startswith(name.encode() + b"\0"))


def flip_in(name: str) -> Callable[[Mutant], None]:
    def damage(mutant: Mutant) -> None:
        at = section_named(mutant.facts, mutant.changed.data, name).offset + 3
        mutant.data[at] ^= 0x10

    return damage


def lose_a_library(mutant: Mutant) -> None:
    """As if the entry had never been there: the ones behind it move up."""
    at, size = mutant.entry(c.DT_NEEDED), mutant.layouts.dynamic.size
    segment = mutant.facts.dynamic_segment
    assert segment is not None
    rest = mutant.data[at + size : segment.offset + segment.filesz]
    mutant.put(at, bytes(rest) + bytes(size))


def add_a_library(mutant: Mutant) -> None:
    mutant.put(mutant.entry(c.DT_DEBUG), mutant.data[mutant.entry(c.DT_NEEDED) :][: mutant.layouts.dynamic.size])


def grow_nowhere(mutant: Mutant) -> None:
    """A byte in what were zeros (.bss) before the segment grew."""
    last = max(mutant.facts.loads, key=lambda load: load.vaddr)
    source = max(read_elf(io.BytesIO(mutant.changed.source)).loads, key=lambda load: load.vaddr)
    assert last.filesz > source.filesz + 100
    mutant.data[last.offset + source.filesz + 50] = 1


def symbol_named(new: bytes) -> Callable[[Mutant], None]:
    def damage(mutant: Mutant) -> None:
        assert mutant.facts.strings is not None
        start, end = mutant.facts.strings.range
        mutant.put(mutant.data.index(b"\0which\0", start, end) + 1, new)

    return damage


def other_version(mutant: Mutant) -> None:
    """Another hash of its name, by which the loader looks for it."""
    need = mutant.facts.needs[0]
    known = mutant.layouts.word.pack(need.versions[0].hash)
    mutant.put(mutant.data.index(known, need.start), bytes(4))


DAMAGES: dict[str, tuple[str, Callable[[Mutant], None]]] = {
    "a byte of code": ("in .text: the source has", flip_in(".text")),
    "a byte of data": ("in .init_array: the source has", flip_in(".init_array")),
    "a relocation": ("in .rela.plt: the source has", flip_in(".rela.plt")),
    "a symbol": ("in .dynsym: the source has", flip_in(".dynsym")),
    "a hash table": ("in .gnu.hash: the source has", flip_in(".gnu.hash")),
    "the versions of symbols": ("in .gnu.version: the source has", flip_in(".gnu.version")),
    "a comment": ("in .comment: the source has", flip_in(".comment")),
    "a section's name": ("in .shstrtab: the source has", flip_in(".shstrtab")),
    "a lost library": ("DT_NEEDED: it should be libextra.so, the file has nothing", lose_a_library),
    "a library more": ("DT_NEEDED: it should be nothing, the file has libextra.so", add_a_library),
    "flags of a segment": (
        "p_flags of program header", lambda mutant: mutant.segment(mutant.load(c.PF_R | c.PF_X), "flags", 7)),
    "another address": (
        "p_vaddr of program header", lambda mutant: mutant.segment(mutant.load(5), "vaddr", 0x1000)),
    "a shorter segment": (
        "p_filesz of program header", lambda mutant: mutant.segment(mutant.load(5), "filesz", 64)),
    "another alignment": ("p_align of program header", lambda mutant: mutant.segment(mutant.load(c.PF_R), "align", 1)),
    "no segment of the stack": ("p_type of program header", lambda mutant: mutant.segment(0, "type", 0)),
    "the entry point": (
        "e_entry: it should be",
        lambda mutant: mutant.field(mutant.layouts.header, 16, "entry", 4),  # type: ignore[arg-type]
    ),
    "the machine": ("e_machine: it should be", lambda mutant: mutant.put(18, b"\x28")),
    "the ABI": ("e_ident: the source has", lambda mutant: mutant.put(7, b"\x09")),
    "a tag": ("dynamic tags: the source has", lambda mutant: mutant.put(mutant.entry(c.DT_SYMTAB), b"\x03")),
    "a number of a tag": ("dynamic tags: the source has", lambda mutant: mutant.put(mutant.entry(c.DT_SYMTAB) + 8, b"\x03")),
    "a section's flags": ("sh_flags of section", lambda mutant: mutant.section(c.SHT_DYNSYM, "flags", 7)),
    "a section's place": ("sh_offset of section", lambda mutant: mutant.section(c.SHT_DYNSYM, "offset", 0)),
    "a section's address": ("sh_addr of section", lambda mutant: mutant.section(c.SHT_DYNAMIC, "addr", 0)),
    "a symbol's name": ("the string table at", symbol_named(b"whicX")),
    "a needed version": (
        "versions needed: it should be", other_version),
    "the interpreter": (
        "the interpreter: the source has", lambda mutant: mutant.put(mutant.data.index(b"/lib64/ld-"), b"/LIB64")),
    "bytes where zeros were": ("new bytes at offset", grow_nowhere),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds(damage: str) -> None:
    message, do = DAMAGES[damage]
    mutant = Mutant(program())
    do(mutant)
    assert [each for each in mutant.told() if message in each], mutant.told()


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds_where_the_edits_are_not_known(damage: str) -> None:
    mutant = Mutant(program())
    DAMAGES[damage][1](mutant)
    assert mutant.told(PACKED)


def grown(number: int) -> Changed:
    """An outcome in which a read-only segment grew into the zeros behind it (T1)."""
    return [each for each in changes(EDITS) if each.tier is Tier.T1][number]


def test_it_finds_a_table_put_over_contents() -> None:
    """The outcome is the same, and the source had something where the table is now."""
    each = grown(0)
    strings = each.facts.strings
    assert strings is not None
    source = bytearray(each.source)
    assert not source[strings.offset + 5]
    source[strings.offset + 5] = 1
    found = told(dataclasses.replace(each, source=bytes(source)))
    assert [message for message in found if "the source has bytes there, the file has a table over them" in message]


def test_it_finds_a_segment_that_grew_over_another_or_farther_than_it_had_to() -> None:
    each = grown(0)
    before = read_elf(io.BytesIO(each.source)).segments
    number = next(n for n, one in enumerate(before) if one.filesz != each.facts.segments[n].filesz)
    size = each.facts.segments[number].filesz
    for more, message in (
        (8, "a segment that grew: it should end"),
        (0x3000, "the file has one over another in memory"),
    ):
        mutant = Mutant(each)
        mutant.segment(number, "filesz", size + more)
        mutant.segment(number, "memsz", size + more)
        assert [found for found in mutant.told() if message in found], mutant.told()


def test_it_finds_a_string_that_nobody_named_and_that_went_all_the_same() -> None:
    """Of a source without a soname, though its string is in the table."""
    layouts = structures(ElfClass.ELF64, "little")
    data = bytearray(make_sample(ElfClass.ELF64, "little"))
    at = data.index(layouts.dynamic.pack(DynamicEntry(c.DT_SONAME, STRINGS.index(b"libsample.so"))))
    data[at : at + 8] = c.DT_DEBUG.to_bytes(8, "little")
    found = change(bytes(data), Edits("$ORIGIN"))
    assert found is not None
    assert told(found) == []
    new = bytearray(found.data)
    new[new.index(b"libsample.so")] = 0
    assert told(found, bytes(new))[0].endswith("the source has 'libsample.so', the file has other bytes")


def test_it_finds_a_lost_version_definition() -> None:
    mutant = Mutant(library())
    first = mutant.facts.offset_of(mutant.facts.entry(c.DT_VERDEF) or 0)
    assert first is not None
    assert [each.names for each in mutant.facts.definitions] == [("libwhich.so",), ("VERS_1",)]
    layout = mutant.layouts.verdef
    mutant.field(layout, first, "next", 0)  # type: ignore[arg-type]
    assert "versions defined: the source has 2, 0, " in mutant.told()[0]


def test_it_finds_a_definition_with_another_name() -> None:
    mutant = Mutant(library())
    assert mutant.facts.strings is not None
    mutant.put(mutant.data.index(b"VERS_1\0", mutant.facts.strings.offset), b"VERS_2")
    assert [each for each in mutant.told() if "versions defined: the source has" in each]


def test_it_finds_another_soname() -> None:
    mutant = Mutant(library())
    assert mutant.facts.strings is not None
    mutant.put(mutant.data.index(b"libwhich.so\0", mutant.facts.strings.offset), b"LIB")
    assert [each for each in mutant.told() if "DT_SONAME: the source has libwhich.so, the file has LIBwhich.so" in each]


def test_it_finds_another_search_path_than_the_one_asked_for() -> None:
    mutant = Mutant(program(Tier.T0))
    assert mutant.facts.strings is not None
    mutant.put(mutant.data.index(b"$ORIGIN\0", mutant.facts.strings.offset), b"$ORIGIM")
    assert mutant.told() == ["the search path: $ORIGIN was asked for, the file has $ORIGIM"]
    assert mutant.told(PACKED) == []


def test_it_finds_a_file_cut_off() -> None:
    each = program()
    assert told(each, each.data[:-1])
    assert told(each, each.data + b"\0")
    assert told(each, b"")


def test_it_finds_an_added_segment_that_can_be_run() -> None:
    mutant = Mutant(changes_in_a_new_segment(ElfClass.ELF64, "little"))
    mutant.segment(len(mutant.facts.segments) - 1, "flags", 7)
    assert "the added program header: it should be for data alone" in mutant.told()[0]


def test_it_finds_a_name_that_lay_in_a_path_that_went() -> None:
    """`which` shares its tail with the path, as linkers let it; the mutant gives the path's bytes to nobody."""
    source = Mutant(library())
    data = bytearray(source.changed.source)
    facts = read_elf(io.BytesIO(data), sections=True)
    assert facts.strings is not None
    start = facts.strings.offset
    path, name = data.index(b"$ORIGIN/deep\0", start), data.index(b"\0which\0", start) + 1 - start
    symbols = section_named(facts, bytes(data), ".dynsym")
    at = next(at for at in range(symbols.offset, symbols.offset + symbols.size, 24) if data[at] == name)
    data[at : at + 4] = (path - start + 8).to_bytes(4, "little")  # the symbol is `deep` now
    found = change(bytes(data), Edits("/x"))
    assert found is not None
    assert told(found) == []
    new = bytearray(found.data)
    strings = found.facts.strings
    assert strings is not None
    new[strings.offset + path - start + 8] = 0
    assert "the symbol's name at" in " ".join(told(found, bytes(new)))


def test_it_finds_versions_that_symbols_have_now() -> None:
    """Where symbols may lose their versions they still may not get others."""
    found = change((set_of("x86_64").folder / "pie").read_bytes(), VERSION_EDITS[0])
    assert found is not None
    table = symbol_versions(io.BytesIO(found.source), read_elf(io.BytesIO(found.source), sections=True))
    assert table is not None
    new = bytearray(found.data)
    new[table[0] + 2] = 7
    assert "the version of symbol 1: the source has number" in told(found, bytes(new))[0]


FLIPS = st.tuples(st.integers(0, 1 << 30), st.integers(0, 1 << 30), st.integers(1, 255))


@functools.cache
def targets() -> list[Changed]:
    """Outcomes of all tiers, classes and byte orders; every name in them is known."""
    rare = [make(*kind) for kind in KINDS for make in (changes_in_a_new_segment, changes_with_another_section)]
    return [*changes(EDITS), *rare * 10]


def is_found(flip: tuple[int, int, int]) -> bool:
    """Whether a changed byte is told, or is a wiped one that has become what it was in the source."""
    number, at, bits = flip
    each = targets()[number % len(targets())]
    at %= len(each.data)
    return bool(told(each, flipped(each.data, at, bits))) or (each.data[at], each.source[at : at + 1]) == (
        0,
        bytes([bits]),
    )


@settings(max_examples=1200, deadline=None, suppress_health_check=[*HealthCheck])
@given(FLIPS)
def test_it_finds_any_byte_that_is_changed(flip: tuple[int, int, int]) -> None:
    assert is_found(flip)


@pytest.mark.everything
@settings(max_examples=20000, deadline=None, suppress_health_check=[*HealthCheck])
@given(FLIPS)
def test_it_finds_any_of_many_bytes_that_are_changed(flip: tuple[int, int, int]) -> None:
    assert is_found(flip)


def test_a_byte_of_a_string_that_was_given_up_may_be_as_it_was() -> None:
    """Whether it was wiped is nobody's business: this is what a file has whose string was not wiped."""
    assert is_found((1 << 30, 197, 101))


@settings(max_examples=400, deadline=None, suppress_health_check=[*HealthCheck])
@given(FLIPS)
def test_where_versions_may_go_only_those_of_symbols_may_be_changed(flip: tuple[int, int, int]) -> None:
    number, at, bits = flip
    found = version_targets()
    each = found[number % len(found)]
    at %= len(each.data)
    if not told(each, flipped(each.data, at, bits)):
        table = symbol_versions(io.BytesIO(each.data), each.facts)
        before = symbol_versions(io.BytesIO(each.source), read_elf(io.BytesIO(each.source), sections=True))
        assert any(place is not None and place[0] <= at < place[1] for place in (table, before))


@functools.cache
def version_targets() -> list[Changed]:
    return changes(VERSION_EDITS)
