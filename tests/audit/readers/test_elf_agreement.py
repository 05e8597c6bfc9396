"""pyelftools reads of every file what the patcher reads; and where one of them is wrong, both readings are told."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from bundler.audit.readers.comparison import disagreements
from bundler.audit.readers.elf import agreement as agreement_of_elf
from bundler.audit.readers.elf.reading import number_of, read_elf
from bundler.binaries.elf import ElfClass, Image, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.structs import ByteOrder, DynamicEntry, structures
from bundler.errors import BinaryFormatError
from tests.audit.readers.changed import ORDERS, agreement, changes, files
from tests.binaries.elf.programs import LAYOUTS, compile_c, make_program
from tests.binaries.elf.samples import make_sample
from tests.binaries.elf.test_readers_agree import MACHINES
from tests.material.elf_fixtures import set_of
from tests.material.programs import need

IFUNC = 'static int one(void) { return 1; } static void *pick(void) { return one; } int f(void) __attribute__((ifunc("pick")));'
KINDS = [(elf_class, order) for elf_class in ElfClass for order in ORDERS]


def without_sections(data: bytes) -> bytes:
    """The file without section headers, as some strippers leave it."""
    image = read_image(io.BytesIO(data))
    layout, new = image.structures.header, bytearray(data)
    for name in ("shoff", "shnum", "shstrndx"):
        at = 16 + layout.position(name)
        field = layout.pack_field(name, 0)
        new[at : at + len(field)] = field
    return bytes(new)


def test_they_agree_about_the_fixtures_of_all_machines() -> None:
    assert {data[5] for data in files()} == {1, 2}
    assert [message for data in files() for message in agreement(data)] == []


def test_they_agree_about_what_the_patcher_makes_of_them() -> None:
    assert [message for each in changes() for message in agreement(each.data)] == []


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_they_agree_about_every_class_and_byte_order_of_many_machines(elf_class: ElfClass, order: ByteOrder) -> None:
    for machine in (*MACHINES, 0, 0xFEED):
        assert agreement(make_sample(elf_class, order, machine)) == []


def test_they_agree_without_section_headers() -> None:
    for data in files():
        bare = without_sections(data)
        assert agreement(bare) == []
        assert read_elf(io.BytesIO(bare), sections=True).sections == ()
        assert read_elf(io.BytesIO(bare)).needs == read_elf(io.BytesIO(data)).needs


@pytest.mark.parametrize("layout", LAYOUTS)
def test_they_agree_about_what_linkers_of_this_machine_make(layout: str, tmp_path: Path) -> None:
    program = make_program(tmp_path, *LAYOUTS[layout])
    assert agreement(program.read_bytes()) == []


def test_they_agree_about_indirect_functions_and_static_programs_and_objects(tmp_path: Path) -> None:
    for name, flags in (("a.so", ("-shared", "-fPIC")), ("a.o", ("-c",))):
        assert agreement(compile_c(IFUNC, tmp_path / name, *flags).read_bytes()) == []
    main = "int main(void) { return 0; }"
    for flag in ("-static", "-static-pie"):
        data = compile_c(main, tmp_path / f"program{flag}", flag).read_bytes()
        assert agreement(data) == []


def test_they_agree_about_a_file_of_debug_information(tmp_path: Path) -> None:
    objcopy = need("objcopy")
    app = compile_c("int main(void) { return 0; }", tmp_path / "app", "-g")
    subprocess.run([objcopy, "--only-keep-debug", app, tmp_path / "app.debug"], check=True)
    data = (tmp_path / "app.debug").read_bytes()
    assert agreement(data) == []
    assert read_elf(io.BytesIO(data)).dynamic is None


def test_they_agree_about_the_libraries_of_this_machine() -> None:
    paths = sorted(Path("/usr/lib").glob("*-linux-gnu*/*.so.*"))[:150]
    paths += sorted(Path(sysconfig.get_config_var("DESTSHARED") or "/nowhere").glob("*.so"))
    if not paths:
        pytest.skip("no libraries in /usr/lib: run the tests on a Linux with some")
    for path in [Path(sys.executable), *paths]:
        with path.open("rb") as file:
            assert disagreements(read_image(file), file) == (), path


def test_names_that_are_no_utf_8_are_read() -> None:
    data = make_sample(ElfClass.ELF64, "little").replace(b"libsample", b"lib\xff\xfemple")
    assert agreement(data) == []
    (name,) = read_elf(io.BytesIO(data)).texts(c.DT_SONAME)
    assert os.fsencode(name) == b"lib\xff\xfemple.so"


@pytest.mark.parametrize(("elf_class", "order"), KINDS)
def test_program_headers_counted_in_a_section_header_are_read(elf_class: ElfClass, order: ByteOrder) -> None:
    """PN_XNUM: no patched file has them, since the patcher refuses them."""
    data = bytearray(make_sample(elf_class, order))
    wanted = read_elf(io.BytesIO(data)).segments
    layouts = structures(elf_class, order)
    header = layouts.header.read(bytes(data), 16)
    at = header.shoff + layouts.section.position("info")
    data[at : at + 4] = layouts.word.pack(len(wanted))
    at = 16 + layouts.header.position("phnum")
    data[at : at + 2] = layouts.half.pack(c.PN_XNUM)
    assert read_elf(io.BytesIO(data)).segments == wanted


OURS = {"DT_GNU_PRELINKED", "DT_OWN_RPATH", "PT_SET_ASIDE"}
"""Numbers that pyelftools has no name for."""


def test_the_numbers_behind_names_of_pyelftools_are_those_of_the_specification() -> None:
    for name, number in vars(c).items():
        if name.startswith(("DT_", "PT_")) and isinstance(number, int) and name not in OURS:
            assert number_of(name) == number
    with pytest.raises(BinaryFormatError, match="no number for DT_NOTHING"):
        number_of("DT_NOTHING")


def changed_entry(image: Image) -> Image:
    entries = image.dynamic or ()
    return dataclasses.replace(image, dynamic=(*entries[:-1], DynamicEntry(entries[-1].tag, entries[-1].value + 1)))


WRONG: dict[str, tuple[str, Callable[[Image], Image]]] = {
    "needed": (
        "DT_NEEDED: bundler reads libother.so, pyelftools reads libinner.so.1",
        lambda image: dataclasses.replace(image, needed=("libother.so",)),
    ),
    "a library less": (
        "DT_NEEDED: bundler reads nothing, pyelftools reads libinner.so.1",
        lambda image: dataclasses.replace(image, needed=()),
    ),
    "soname": (
        "DT_SONAME: bundler reads none, pyelftools reads libsample.so",
        lambda image: dataclasses.replace(image, soname=None),
    ),
    "runpath": (
        "DT_RUNPATH: bundler reads $ORIGIN, pyelftools reads $ORIGIN/old/place",
        lambda image: dataclasses.replace(image, runpath="$ORIGIN"),
    ),
    "rpath": (
        "DT_RPATH: bundler reads $ORIGIN, pyelftools reads none",
        lambda image: dataclasses.replace(image, rpath="$ORIGIN"),
    ),
    "interpreter": (
        "the interpreter: bundler reads /lib/ld.so, pyelftools reads none",
        lambda image: dataclasses.replace(image, interpreter="/lib/ld.so"),
    ),
    "machine": (
        "e_machine: bundler reads 0x28, pyelftools reads 0x3e",
        lambda image: dataclasses.replace(image, machine=c.EM_ARM),
    ),
    "size": ("the size of the file", lambda image: dataclasses.replace(image, size=7)),
    "type": ("e_type", lambda image: dataclasses.replace(image, type=c.ET_EXEC)),
    "segments": (
        "program headers",
        lambda image: dataclasses.replace(image, segments=(image.segments[0]._replace(flags=7), *image.segments[1:])),
    ),
    "entries": ("dynamic tags", changed_entry),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_reading_of_the_patcher_is_told_with_both(what: str) -> None:
    file = io.BytesIO(make_sample(ElfClass.ELF64, "little"))
    message, damage = WRONG[what]
    (found,) = disagreements(damage(read_image(file)), file)
    assert message in found.message


def test_versions_that_the_patcher_reads_otherwise_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO((set_of("x86_64").folder / "libwhich.so").read_bytes())
    image = read_image(file)
    monkeypatch.setattr(agreement_of_elf, "version_needs", lambda file, image: ())
    (needs,) = disagreements(image, file)
    assert needs.message.startswith(
        "versions needed: bundler reads nothing, pyelftools reads ld-linux-x86-64.so.2 GLIBC_2.3"
    )
    monkeypatch.setattr(agreement_of_elf, "definition_names", lambda file, image: [])
    _, definitions = disagreements(image, file)
    assert definitions.message == "versions defined: bundler reads nothing, pyelftools reads libwhich.so, VERS_1"


def test_a_table_that_the_patcher_cannot_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: BinaryIO, image: Image) -> NoReturn:
        raise BinaryFormatError("a version record is in no PT_LOAD")

    file = io.BytesIO((set_of("x86_64").folder / "libwhich.so").read_bytes())
    monkeypatch.setattr(agreement_of_elf, "version_needs", fail)
    (found,) = disagreements(read_image(file), file)
    assert found.message.startswith(
        "versions needed: bundler reads a version record is in no PT_LOAD, pyelftools reads"
    )
