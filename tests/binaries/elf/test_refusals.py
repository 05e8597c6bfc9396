"""Shapes of files that are refused: each by its own kind of error, with the numbers, and the file is left as it was."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits, ElfClass, Tier, plan_patch, read_image, version_needs
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import IDENT_SIZE, read_header
from bundler.binaries.elf.structs import ByteOrder, DynamicEntry, Segment, Structures, Verneed, structures
from bundler.errors import BinaryFormatError, CannotPatch, NotDynamic
from tests.binaries.elf.samples import STRINGS, make_sample
from tests.material.elf_fixtures import SETS, Set, set_of
from tests.material.programs import need

KINDS = [(elf_class, order) for elf_class in ElfClass for order in ("little", "big")]
SEGMENTS = 3
"""How many program headers a sample has."""


def with_header(data: bytes, layouts: Structures, **fields: int) -> bytes:
    """The file with other numbers in its header."""
    new = bytearray(data)
    for name, value in fields.items():
        at = IDENT_SIZE + layouts.header.position(name)
        packed = layouts.header.pack_field(name, value)
        new[at : at + len(packed)] = packed
    return bytes(new)


def with_section(data: bytes, layouts: Structures, number: int, **fields: int) -> bytes:
    """The file with other numbers in a section header."""
    at = read_header(io.BytesIO(data))[1].shoff + number * layouts.section.size
    new = layouts.section.pack(layouts.section.read(data, at)._replace(**fields))
    return data[:at] + new + data[at + len(new) :]


def with_entries(data: bytes, layouts: Structures, **values: int) -> bytes:
    """The file with other numbers for some dynamic tags, which are named as in `constants`."""
    image, new = read_image(io.BytesIO(data)), bytearray(data)
    place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
    for number, entry in enumerate(image.dynamic or ()):
        for name, value in values.items():
            if entry.tag == getattr(c, name):
                at = place.offset + number * layouts.dynamic.size
                new[at : at + layouts.dynamic.size] = layouts.dynamic.pack(DynamicEntry(entry.tag, value))
    return bytes(new)


def attempt(data: bytes, edits: Edits) -> None:
    file = io.BytesIO(data)
    plan_patch(file, read_image(file), edits)


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_a_count_of_program_headers_in_section_0(elf_class: ElfClass, order: ByteOrder, tmp_path: Path) -> None:
    """PN_XNUM: gABI 5, e_phnum. A well-formed file of 65536 program headers, which readelf counts."""
    layouts = structures(elf_class, order)
    data = make_sample(elf_class, order)
    old = read_header(io.BytesIO(data))[1].phoff
    table = data[old : old + SEGMENTS * layouts.segment.size]
    table += layouts.segment.pack(Segment(c.PT_NULL, 0, 0, 0, 0, 0, 0, 0)) * (65536 - SEGMENTS)
    data = with_section(with_header(data, layouts, phoff=len(data), phnum=c.PN_XNUM), layouts, 0, info=65536) + table
    path = tmp_path / "many"
    path.write_bytes(data)
    readelf = need("readelf")
    header = subprocess.run([readelf, "-h", path], capture_output=True, text=True, check=True).stdout
    assert "65535 (65536)" in header
    with pytest.raises(BinaryFormatError, match=r"65536 program headers, .*PN_XNUM.* 65534"):
        attempt(data, Edits("$ORIGIN"))


def test_a_program_header_that_would_be_one_too_many() -> None:
    layouts = structures(ElfClass.ELF32, "little")
    data = make_sample(ElfClass.ELF32, "little")
    old = read_header(io.BytesIO(data))[1].phoff
    most = c.PN_XNUM - 1
    table = data[old : old + SEGMENTS * layouts.segment.size]
    table += layouts.segment.pack(Segment(c.PT_NULL, 0, 0, 0, 0, 0, 0, 0)) * (most - SEGMENTS)
    data = with_header(data, layouts, phoff=len(data), phnum=most) + table
    attempt(data, Edits("$ORIGIN"))  # in place
    with pytest.raises(CannotPatch, match=f"there are {most} program headers, and can be no more"):
        attempt(data, Edits("$ORIGIN/" + "x" * 300))


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_a_count_of_section_headers_in_section_0(elf_class: ElfClass, order: ByteOrder, tmp_path: Path) -> None:
    """SHN_XINDEX: gABI 4, e_shnum. A well-formed file of 65400 sections, the last of which names them."""
    layouts = structures(elf_class, order)
    data = make_sample(elf_class, order)
    header = read_header(io.BytesIO(data))[1]
    sections = [data[header.shoff + n * layouts.section.size :][: layouts.section.size] for n in range(header.shnum)]
    more = sections[:-1] + sections[:1] * (65400 - len(sections)) + sections[-1:]
    data = data[: header.shoff] + b"".join(more)
    data = with_header(data, layouts, shnum=0, shstrndx=c.SHN_XINDEX)
    data = with_section(data, layouts, 0, size=65400, link=65399)
    path = tmp_path / "many"
    path.write_bytes(data)
    readelf = need("readelf")
    text = subprocess.run([readelf, "-hW", path], capture_output=True, text=True, check=True).stdout
    assert "0 (65400)" in text
    assert "65535 (65399)" in text
    assert read_image(io.BytesIO(data)).needed == ("libinner.so.1",)
    with pytest.raises(CannotPatch, match=r"65400 section headers .*SHN_XINDEX.* 65279"):
        attempt(data, Edits("$ORIGIN"))


def spread(machine: Set) -> bytes:
    """A program of the machine whose last record of needed versions leaves out its first version, so that a hole is there."""
    data = bytearray((machine.folder / "pie").read_bytes())
    image = read_image(io.BytesIO(bytes(data)))
    layouts = image.structures
    first = image.offset_of(image.entry(c.DT_VERNEED) or 0)
    assert first is not None
    at = first
    while (record := layouts.verneed.read(bytes(data), at)).next:
        at += record.next
    data[at : at + layouts.verneed.size] = layouts.verneed.pack(
        record._replace(cnt=1, aux=record.aux + layouts.vernaux.size)
    )
    return bytes(data)


@pytest.mark.parametrize("machine", [set_of("x86_64"), set_of("s390x"), set_of("i386")], ids=str)
def test_version_records_that_are_not_packed_together(machine: Set) -> None:
    """A record that goes would be written over what lies between the others."""
    data = spread(machine)
    with pytest.raises(CannotPatch, match=r"needed versions cannot be rewritten: \d+ bytes of them lie in \d+"):
        attempt(data, Edits(removed=["libwhich.so"]))
    attempt(data, Edits(needed={"libwhich.so": "libw.so"}))  # where none goes, only a name changes


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_a_symbol_that_is_not_there(machine: Set) -> None:
    for path in (machine.folder / "pie", machine.folder / "libwhich.so"):
        with pytest.raises(CannotPatch, match="no dynamic symbol nowhere_to_be_found"):
            attempt(path.read_bytes(), Edits(unversioned=["nowhere_to_be_found"]))


@pytest.mark.parametrize("machine", SETS, ids=str)
def test_an_interpreter_for_a_file_that_has_none(machine: Set) -> None:
    for path in machine.libraries():
        with pytest.raises(NotDynamic, match="PT_INTERP"):
            attempt(path.read_bytes(), Edits(interpreter=machine.interpreter))


@pytest.mark.parametrize("empty", [False, True], ids=["no dynamic section", "an empty one"])
@pytest.mark.parametrize(
    "edits",
    [
        Edits(interpreter="/lib/another-loader"),
        Edits("$ORIGIN"),
        Edits(soname="libx.so"),
        Edits(added=["libx.so"]),
        Edits(prepended=["libx.so"]),
        Edits(unversioned=["x"]),
    ],
    ids=["interpreter", "search path", "soname", "library", "first library", "symbol"],
)
def test_an_edit_that_has_nothing_to_hold_on_to(edits: Edits, empty: bool) -> None:
    """A program that names an interpreter, and whose names are nowhere."""
    data = bytearray((set_of("x86_64").folder / "pie").read_bytes())
    file = io.BytesIO(bytes(data))
    image, (layouts, header) = read_image(file), read_header(file)
    number = next(n for n, segment in enumerate(image.segments) if segment.type == c.PT_DYNAMIC)
    place = image.segments[number]
    if empty:
        data[place.offset : place.offset + place.filesz] = bytes(place.filesz)
    else:
        at = header.phoff + number * layouts.segment.size
        data[at : at + layouts.segment.size] = layouts.segment.pack(place._replace(type=c.PT_NULL))
    found = read_image(io.BytesIO(bytes(data)))
    assert found.interpreter is not None
    assert found.dynamic == (() if empty else None)
    with pytest.raises(NotDynamic, match="dynamic section is empty" if empty else "without a dynamic section"):
        attempt(bytes(data), edits)
    attempt(bytes(data), Edits(None, interpreter=found.interpreter, removed=["libx.so"]))  # as it is already


def misplaced_version(data: bytes) -> bytes:
    """Needed versions at an address that nothing is mapped to."""
    return with_entries(data, read_image(io.BytesIO(data)).structures, DT_VERNEED=0x7FFF0000)


def segment_over_the_next(data: bytes) -> bytes:
    """A first PT_LOAD that would take the memory of all others."""
    layouts, header = read_header(io.BytesIO(data))
    image = read_image(io.BytesIO(data))
    number = next(n for n, segment in enumerate(image.segments) if segment.type == c.PT_LOAD)
    at = header.phoff + number * layouts.segment.size
    new = layouts.segment.pack(image.segments[number]._replace(memsz=1 << 32))
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize("damage", [misplaced_version, segment_over_the_next])
def test_a_damaged_original_is_not_blamed_on_its_patch(damage: Callable[[bytes], bytes]) -> None:
    data = damage((set_of("x86_64").folder / "pie").read_bytes())
    with pytest.raises(BinaryFormatError, match=r"the file is damaged: (a version record|segment)"):
        attempt(data, Edits(interpreter="/" + "x" * 3000))


@pytest.mark.parametrize("field", ["phoff", "shoff"])
def test_a_table_farther_than_any_file_system_goes(field: str, tmp_path: Path) -> None:
    """Found by damage: OSError, of files on a disk alone."""
    path = tmp_path / "far"
    layouts = structures(ElfClass.ELF64, "little")
    path.write_bytes(with_header(make_sample(ElfClass.ELF64, "little"), layouts, **{field: (1 << 63) - 8}))
    with path.open("rb") as file, pytest.raises(BinaryFormatError, match=rf"offset {(1 << 63) - 8}"):
        plan_patch(file, read_image(file), Edits("$ORIGIN"))


@pytest.mark.parametrize("order", ["little", "big"])
def test_more_versions_than_there_can_be(order: ByteOrder) -> None:
    """Each 16 bytes are a library's record and, one step on, a version of the library before: millions to be looked at."""
    layouts = structures(ElfClass.ELF64, order)
    extra = (DynamicEntry(c.DT_VERNEED, 0), DynamicEntry(c.DT_VERNEEDNUM, 3000))
    data = make_sample(ElfClass.ELF64, order, extra=extra)
    pattern = layouts.verneed.pack(Verneed(version=1, cnt=1000, file=1, aux=16, next=16))
    start, data = len(data), data + pattern * 4096
    at = read_header(io.BytesIO(data))[1].phoff + layouts.segment.size
    segment = layouts.segment.read(data, at)
    size = len(data) - segment.offset
    new = bytearray(data)
    new[at : at + layouts.segment.size] = layouts.segment.pack(segment._replace(filesz=size, memsz=size))
    data = with_entries(bytes(new), layouts, DT_VERNEED=segment.vaddr + start - segment.offset)
    file = io.BytesIO(data)
    with pytest.raises(BinaryFormatError, match="more than 32767 needed versions"):
        version_needs(file, read_image(file))


@pytest.mark.parametrize("order", ["little", "big"])
def test_an_offset_that_would_leave_its_32_bits(order: ByteOrder) -> None:
    """Found by damage: struct.error."""
    layouts = structures(ElfClass.ELF32, order)
    data = make_sample(ElfClass.ELF32, order)
    data = with_section(data, layouts, 5, type=c.SHT_NOBITS, offset=0xFFFFFFF8)
    with pytest.raises(CannotPatch, match="a number would leave its field of an ELF32 file"):
        attempt(data, Edits("$ORIGIN/" + "x" * 300))


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_a_string_table_over_the_program_headers(elf_class: ElfClass, order: ByteOrder) -> None:
    """Found by damage: the old search path is PT_DYNAMIC itself, and was cleared with it."""
    layouts = structures(elf_class, order)
    data = make_sample(elf_class, order)
    header = read_header(io.BytesIO(data))[1]
    size = layouts.segment.size
    kind = 2 * size + (0 if order == "little" else 3)  # the byte of p_type that is not zero
    data = with_entries(
        data, layouts,
        DT_STRTAB=header.phoff, DT_STRSZ=SEGMENTS * size, DT_NEEDED=1, DT_SONAME=1, DT_RUNPATH=kind,
    )  # fmt: skip
    assert read_image(io.BytesIO(data)).runpath == "\x02"
    with pytest.raises((BinaryFormatError, CannotPatch), match=r"segments|PT_DYNAMIC|overlap|cannot be read"):
        attempt(data, Edits(None))


def test_the_sample_itself_is_not_refused() -> None:
    for elf_class, order in KINDS:
        data = make_sample(elf_class, "little" if order == "little" else "big")
        file = io.BytesIO(data)
        plan = plan_patch(file, read_image(file), Edits("$ORIGIN"))
        assert plan is not None
        assert plan.tier is Tier.T0
        assert version_needs(file, read_image(file)) == ()
    assert STRINGS.startswith(b"\0")


def test_a_stub_behind_a_segment_that_is_far_away_is_refused() -> None:
    """The file would have to reach that far, too: a damaged program could ask for exabytes."""
    data = bytearray((set_of("x86_64").folder / "pie").read_bytes())
    image = read_image(io.BytesIO(data))
    number = max(number for number, segment in enumerate(image.segments) if segment.type == c.PT_LOAD)
    segment = image.segments[number]
    layouts = image.structures
    packed, far = (
        layouts.segment.pack(segment),
        segment._replace(vaddr=segment.vaddr + (1 << 40), paddr=segment.paddr + (1 << 40)),
    )
    at = data.index(packed)
    data[at : at + len(packed)] = layouts.segment.pack(far)
    file = io.BytesIO(data)
    with pytest.raises((CannotPatch, BinaryFormatError)) as caught:
        plan_patch(file, read_image(file), Edits(own_loader="./" * 1800 + "ld.so"))
    assert "zero bytes would have to be stored" in str(caught.value)
