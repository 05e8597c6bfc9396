"""What is read of PE files is what pefile and LIEF read, and what their makers put there."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from bundler.audit.readers.comparison import disagreements
from bundler.binaries.format import BinaryFacts
from bundler.binaries.formats import HEAD_SIZE, detect, facts
from bundler.binaries.pe import constants as c
from bundler.binaries.pe import read_image
from bundler.binaries.pe import structs as s
from bundler.binaries.pe.checksum import file_checksum
from bundler.binaries.pe.tables import exported_names, imported_names
from bundler.binaries.pe.version_resource import read_version
from bundler.errors import BinaryFormatError
from tests.binaries.pe.judging import by_lief
from tests.binaries.pe.shapes import (
    fixture,
    image_of,
    put,
    signed,
    with_absolute_delays,
    with_directory,
    with_load_config,
)
from tests.material.pe_fixtures import SETS, Set
from tests.material.wheels import unpack
from tests.material.windows import MORE_WHEELS, WHEELS, binaries_in, embeddable

ALL_SETS = pytest.mark.parametrize("machine", SETS, ids=str)


def agreed(data: bytes, *, whole: bool = True) -> None:
    """Two readers read the same; of a `whole` file the checksum is true."""
    file = io.BytesIO(data)
    image = read_image(file)
    assert [each.message for each in disagreements(image, file)] == []
    assert list(image.needed) == by_lief(data)
    checksum = image.headers.checksum
    assert not whole or checksum in (0, file_checksum(file, image.headers.optional_offset + s.CHECKSUM))


@ALL_SETS
def test_names_are_those_that_the_linker_was_told(machine: Set) -> None:
    program, which = image_of(fixture("program.exe", machine)), image_of(fixture("which.dll", machine))
    assert (program.needed, program.delayed, program.name) == (("which.dll", "kernel32.dll"), ("extra.dll",), None)
    assert (which.needed, which.delayed, which.name) == (("inner.dll",), (), "which.dll")
    assert which.exports is not None
    assert [each.text for each in which.exports.forwarders] == ["inner.inner"]
    assert (program.headers.machine, program.headers.layout.bits) == (machine.machine, machine.bits)
    assert (program.headers.is_dll, which.headers.is_dll) == (False, True)


@ALL_SETS
@pytest.mark.parametrize("name", ["program.exe", "which.dll", "inner.dll", "extra.dll"])
def test_two_other_readers_read_the_same(name: str, machine: Set) -> None:
    data = fixture(name, machine)
    agreed(data)
    agreed(signed(data), whole=False)
    if name == "program.exe":
        agreed(with_load_config(data), whole=False)


def test_delays_of_visual_c_6_are_read() -> None:
    data = with_absolute_delays(fixture("program.exe", SETS[1]))
    assert image_of(data).delayed == ("extra.dll",)


@ALL_SETS
def test_symbols_are_those_of_the_sources(machine: Set) -> None:
    file = io.BytesIO(fixture("which.dll", machine))
    image = read_image(file)
    assert image.exports is not None
    assert list(exported_names(file, image.headers, image.exports)) == ["forwarded", "which"]
    assert list(imported_names(file, image.headers, image.imports[0])) == ["inner"]
    form = detect(file.getvalue()[:HEAD_SIZE])
    assert form is not None
    found = {name for name in ("which", "inner", "whichever", "whic") if form.names_symbol(file, image, name)}
    assert found == {"which", "inner"}


@ALL_SETS
def test_the_version_is_that_of_the_resources(machine: Set) -> None:
    file = io.BytesIO(fixture("which.dll", machine))
    version = read_version(file, read_image(file).headers)
    assert version is not None
    assert (version.file, version.product) == ((1, 2, 3, 4), (5, 6, 7, 8))
    other = io.BytesIO(fixture("inner.dll", machine))
    assert read_version(other, read_image(other).headers) is None


def test_facts_have_delayed_dlls_behind_the_others() -> None:
    assert facts(io.BytesIO(fixture())) == BinaryFacts(
        format="PE",
        machine="AMD64",
        rpath=None,
        needed=("which.dll", "kernel32.dll", "extra.dll"),
        soname=None,
        interpreter=None,
    )
    assert facts(io.BytesIO(fixture("which.dll"))).soname == "which.dll"


@pytest.mark.parametrize(
    ("offset", "new", "said"),
    [
        (60, b"\0\0\1\0", "is truncated"),
        (120, b"NE\0\0", "no PE header at offset 120"),
        (126, b"\xff\xff", "65535 sections"),
        (140, b"\x10\0", "16 bytes; 112 are needed"),
        (144, b"\x07\1", "unknown kind 0x107"),
    ],
)
def test_damage_is_told_with_numbers(offset: int, new: bytes, said: str) -> None:
    data = fixture()
    headers = image_of(data).headers
    if offset >= 120:
        offset += headers.pe_offset - 120
        said = said.replace("offset 120", f"offset {headers.pe_offset}")
    with pytest.raises(BinaryFormatError, match=said):
        image_of(put(data, offset, new))


def at_the_end_of_a_section(data: bytes, behind: int) -> tuple[int, int]:
    """An address and an offset so many bytes in front of where the first section's bytes end."""
    section = image_of(data).headers.sections[0]
    return section.address + section.raw_size - behind, section.raw_offset + section.raw_size - behind


def test_a_table_that_leaves_its_section_is_damage() -> None:
    data = fixture()
    address, _ = at_the_end_of_a_section(data, 12)
    said = f"the import table is truncated: 20 bytes at the address {address:#x} are needed, 12 are there"
    with pytest.raises(BinaryFormatError, match=said):
        image_of(with_directory(data, c.IMPORT, address, 40))
    address, _ = at_the_end_of_a_section(data, 0)
    with pytest.raises(
        BinaryFormatError, match=f"lies at the address {address:#x}, and no section of the file holds it"
    ):
        image_of(with_directory(data, c.IMPORT, address, 40))


def test_a_name_that_does_not_end_in_its_section_is_damage() -> None:
    data = fixture()
    address, offset = at_the_end_of_a_section(data, 3)
    data = put(put(data, offset, b"abc"), image_of(data).imports[0].offset + 12, s.DWORD.pack(address))
    with pytest.raises(BinaryFormatError, match=f"{address:#x} does not end within 3 bytes"):
        image_of(data)


def test_a_file_that_was_cut_off_is_damage() -> None:
    data = fixture()
    last = image_of(data).headers.sections[-1]
    said = f"{last.name} is truncated: it ends at {last.end}, the file at {last.end - 1}"
    with pytest.raises(BinaryFormatError, match=said):
        image_of(data[: last.end - 1])


def test_headers_that_contradict_each_other_are_damage() -> None:
    data = fixture()
    headers = image_of(data).headers
    first, second = headers.section_table, headers.section_table + 40
    for place, new, said in (
        (headers.optional_offset + s.SECTION_ALIGNMENT, 3000, "the section alignment is 3000, and no power of two"),
        (second + 12, headers.sections[0].address, "overlaps what ends at"),
        (first + 8, 0x100000, "overlaps what ends at"),
        (headers.optional_offset + s.SIZE_OF_IMAGE, 0x2000, r"the sections end at 0x\w+, the image at 0x2000"),
    ):
        with pytest.raises(BinaryFormatError, match=said):
            image_of(put(data, place, s.DWORD.pack(new)))


def test_forwarders_that_are_one_endless_text_are_damage() -> None:
    """Each function leads to the same long text, which is not read for every one of them."""
    data = fixture("which.dll")
    image = image_of(data)
    exports = image.exports
    assert exports is not None
    address, offset = len(data) + 0x10000 & ~0xFFF, len(data) + 511 & ~511
    table = s.DWORD.pack(address + 0x8000) * 8192 + b"x" * 4000 + bytes(96)
    last = image.headers.section_table + 40 * (len(image.headers.sections) - 1)
    data = put(data, last + 8, struct.pack("<4I", len(table), address, len(table), offset)).ljust(offset, b"\0") + table
    data = put(data, image.headers.optional_offset + s.SIZE_OF_IMAGE, s.DWORD.pack(address + 0x10000))
    data = put(data, exports.offset + 20, s.DWORD.pack(8192))
    data = put(data, exports.offset + 28, s.DWORD.pack(address))
    place = image.headers.directory(c.EXPORT).address
    with pytest.raises(BinaryFormatError, match="the forwarded exports have more than 4194304 bytes"):
        image_of(with_directory(data, c.EXPORT, place, address + 0x9000 - place))


def test_more_exports_than_ordinals_are_damage() -> None:
    data = fixture("which.dll")
    exports = image_of(data).exports
    assert exports is not None
    with pytest.raises(BinaryFormatError, match="65537 functions; 65536 are allowed"):
        image_of(put(data, exports.offset + 20, s.DWORD.pack(65537)))


def test_a_signature_that_lies_in_a_section_is_damage() -> None:
    data = fixture()
    headers = image_of(data).headers
    with pytest.raises(BinaryFormatError, match="a signature of 8 bytes at offset 1024"):
        image_of(put(data, headers.directories_offset + 32, b"\0\4\0\0\x08\0\0\0"))


@pytest.mark.parametrize(("requirement", "platform"), WHEELS)
def test_two_other_readers_read_the_same_of_a_wheel(requirement: str, platform: str, tmp_path: Path) -> None:
    files = binaries_in(unpack(requirement, platform, tmp_path))
    assert files
    for path in files:
        agreed(path.read_bytes())


@pytest.mark.everything
@pytest.mark.parametrize(("requirement", "platform"), MORE_WHEELS)
def test_two_other_readers_read_the_same_of_more_wheels(requirement: str, platform: str, tmp_path: Path) -> None:
    for path in binaries_in(unpack(requirement, platform, tmp_path)):
        agreed(path.read_bytes())


@pytest.mark.everything
def test_two_other_readers_read_the_same_of_python_itself() -> None:
    files = binaries_in(embeddable())
    assert len(files) > 20
    for path in files:
        agreed(path.read_bytes())
