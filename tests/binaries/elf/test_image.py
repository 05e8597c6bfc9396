"""The reader agrees with readelf on real files, reads little, and never fails but by BinaryFormatError."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.binaries.elf import UNCHANGED, Edits, ElfClass, is_elf, plan_patch, read_image, version_needs
from bundler.binaries.elf.structs import ByteOrder
from bundler.errors import BinaryFormatError, CannotPatch
from tests.binaries.elf.patching import image_of
from tests.binaries.elf.programs import LAYOUTS, compile_c, make_program, need
from tests.binaries.elf.samples import make_sample

SYSTEM_FILES = [Path(sys.executable).resolve()]
SYSTEM_FILES += sorted(Path("/usr/lib").glob("*-linux-gnu*/*.so.*"))[:60]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_program(tmp_path_factory.mktemp("program"), *LAYOUTS["exported"]).read_bytes()


class CountingFile(io.BytesIO):
    """Counts the bytes that are read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


@pytest.mark.parametrize("path", SYSTEM_FILES, ids=lambda path: path.name)
def test_real_files_read_as_readelf_reads_them(path: Path) -> None:
    readelf = need("readelf", "apt-get install binutils")
    image = image_of(path)
    text = subprocess.run([readelf, "-dWV", path], capture_output=True, text=True, check=True).stdout
    assert list(image.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    assert [image.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", text) or [None])
    assert [image.rpath] == (re.findall(r"\(RPATH\).*\[(.*)\]", text) or [None])
    assert [image.runpath] == (re.findall(r"\(RUNPATH\).*\[(.*)\]", text) or [None])
    needs = text.partition("Version needs section")[2]
    wanted = []
    library = ""
    for line in needs.splitlines():
        if found := re.search(r"File: (\S+)", line):
            library = found[1]
        elif found := re.search(r"Name: (\S+) .*Flags", line):
            wanted.append((library, found[1]))
    with path.open("rb") as file:
        assert [(need.library, need.version) for need in version_needs(file, image)] == wanted


def test_the_interpreter_and_the_machine_are_told(program: bytes) -> None:
    image = read_image(io.BytesIO(program))
    assert image.interpreter is not None
    assert "ld" in image.interpreter
    assert image.machine_name == os.uname().machine.replace("_", "-")


def test_a_huge_file_costs_no_more_than_its_tables(program: bytes) -> None:
    file = CountingFile(program + bytes(50_000_000))
    plan = plan_patch(file, read_image(file), Edits("$ORIGIN/" + "x" * 300))
    assert plan is not None
    assert file.taken < 200_000
    assert sum(len(getattr(piece, "data", b"")) for piece in plan.patch.pieces) < 20_000


def test_a_file_of_debug_information_has_no_dynamic_section(tmp_path: Path) -> None:
    objcopy = need("objcopy", "apt-get install binutils")
    app = compile_c("int main(void) { return 0; }", tmp_path / "app", "-g")
    subprocess.run([objcopy, "--only-keep-debug", app, tmp_path / "app.debug"], check=True)
    assert image_of(tmp_path / "app.debug").dynamic is None


def test_an_object_file_has_neither_segments_nor_needs(tmp_path: Path) -> None:
    image = image_of(compile_c("int x;", tmp_path / "x.o", "-c"))
    assert (image.segments, image.dynamic, image.needed) == ((), None, ())


def test_only_the_magic_makes_an_elf_file() -> None:
    assert is_elf(b"\x7fELF\x02\x01")
    assert not is_elf(b"#!/bin/sh")
    assert not is_elf(b"\x7fE")


@pytest.mark.parametrize("length", [0, 3, 4, 16, 40, 63])
def test_a_file_cut_in_its_header_is_refused(length: int, program: bytes) -> None:
    with pytest.raises(BinaryFormatError):
        read_image(io.BytesIO(program[:length]))


def survive(data: bytes, rpath: str | None) -> None:
    """A result, BinaryFormatError or CannotPatch; anything else is a bug."""
    file = io.BytesIO(data)
    try:
        image = read_image(file)
        version_needs(file, image)
        edits = Edits(rpath, dict.fromkeys(image.needed[:1], "lib" + "n" * 30))
        if (plan := plan_patch(file, image, edits)) is not None:
            new = b"".join(plan.patch.read(file))
            assert read_image(io.BytesIO(new)).rpath == rpath
            assert len(new) < len(data) + (1 << 24) or plan.patch.size == len(new)
    except (BinaryFormatError, CannotPatch):
        pass


MUTATIONS = st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=8)), max_size=6)
VALUES = st.sampled_from(
    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\0\x10\0\0"]
)
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
PATHS = st.sampled_from([None, "$ORIGIN", "$ORIGIN/" + "p" * 400])


def mutate(data: bytes, mutations: list[tuple[int, bytes]], cut: int) -> bytes:
    changed = bytearray(data)
    for place, new in mutations:
        at = place % len(changed)
        changed[at : at + len(new)] = new
    return bytes(changed[: len(changed) - cut])


@given(
    mutations=MUTATIONS,
    cut=st.sampled_from([0, 0, 0, 1, 64, 1000]),
    rpath=PATHS,
    elf_class=st.sampled_from(ElfClass),
    order=st.sampled_from(ORDERS),
)
@settings(max_examples=400, deadline=2000)
def test_a_damaged_sample_never_breaks_the_reader(
    mutations: list[tuple[int, bytes]], cut: int, rpath: str | None, elf_class: ElfClass, order: ByteOrder
) -> None:
    data = make_sample(elf_class, order)
    survive(mutate(data, mutations, min(cut, len(data))), rpath)


@given(place=st.integers(0, 400), values=st.lists(VALUES, min_size=1, max_size=3), rpath=PATHS)
@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_wrong_number_in_a_table_never_breaks_the_reader(
    program: bytes, place: int, values: list[bytes], rpath: str | None
) -> None:
    image = read_image(io.BytesIO(program))
    dynamic = next(segment for segment in image.segments if segment.type == 2)
    starts = [0, 64, dynamic.offset]
    starts += [image.offset_of(image.entry(tag) or 0) or 0 for tag in (5, 6, 0x6FFFFEF5, 0x6FFFFFFE)]
    mutations = [(starts[number % len(starts)] + place * 4, value) for number, value in enumerate(values, place)]
    survive(mutate(program, mutations, 0), rpath)


@pytest.mark.everything
@given(mutations=MUTATIONS, cut=st.integers(0, 5000), rpath=PATHS)
@settings(max_examples=20000, deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_program_never_breaks_the_reader(
    program: bytes, mutations: list[tuple[int, bytes]], cut: int, rpath: str | None
) -> None:
    survive(mutate(program, mutations, cut), rpath)


def test_unchanged_edits_plan_nothing(program: bytes) -> None:
    file = io.BytesIO(program)
    assert plan_patch(file, read_image(file), Edits(UNCHANGED, {"libabsent.so": "other.so"})) is None
