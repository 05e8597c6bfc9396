"""The reader agrees with readelf on real files, and reads little. What it does with damaged ones: test_fuzz."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.elf import UNCHANGED, Edits, is_elf, plan_patch, read_image, version_needs
from bundler.errors import BinaryFormatError
from tests.binaries.elf.patching import image_of
from tests.binaries.elf.programs import LAYOUTS, compile_c, make_program
from tests.material.programs import need

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
    readelf = need("readelf")
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
    objcopy = need("objcopy")
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


def test_unchanged_edits_plan_nothing(program: bytes) -> None:
    file = io.BytesIO(program)
    assert plan_patch(file, read_image(file), Edits(UNCHANGED, {"libabsent.so": "other.so"})) is None
