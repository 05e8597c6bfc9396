"""Every binary format answers the same questions, and one that is not met is not imported."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundler.binaries.elf import ElfClass, read_image
from bundler.binaries.elf import constants as elf
from bundler.binaries.elf.machines import machine_of
from bundler.binaries.elf.notes import read_notes
from bundler.binaries.elf.structs import ByteOrder, Segment, structures
from bundler.binaries.formats import _FORMATS, FORMAT_NAMES, HEAD_SIZE, detect
from bundler.binaries.macho import Edits
from bundler.binaries.macho import constants as macho
from bundler.binaries.reading import read_at, read_there
from bundler.errors import BinaryFormatError
from bundler.platforms import AARCH64, MACHINES, X86_64, Libc, OperatingSystem, Platform
from tests.binaries.elf.samples import STRINGS, make_sample
from tests.binaries.macho.patching import patch
from tests.binaries.macho.samples import LINKEDIT, make_fat
from tests.binaries.macho.samples import make_sample as make_macho
from tests.material.pe_fixtures import AMD64

ELF = make_sample(ElfClass.ELF64, "little")
MACHO = make_macho()
PE = (AMD64.folder / "which.dll").read_bytes()
FAT = make_fat([make_macho(cpu=(macho.CPU_X86_64, 3)), MACHO])


@pytest.mark.parametrize(("data", "name"), [(ELF, "ELF"), (MACHO, "Mach-O"), (FAT, "Mach-O"), (PE, "PE")])
def test_a_format_is_told_by_the_beginning_of_the_file(data: bytes, name: str) -> None:
    found = detect(data[:HEAD_SIZE])
    assert found is not None
    assert found.name == name
    assert name in FORMAT_NAMES
    assert found.read_image(io.BytesIO(data)).size == len(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fEL", b"#!/bin/sh\n", b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(80), b"MZ" + bytes(100)],
    ids=["empty", "short", "script", "Java class", "DOS"],
)
def test_other_files_are_no_binaries(data: bytes) -> None:
    assert detect(data[:HEAD_SIZE]) is None


def test_each_line_names_what_its_format_is_called() -> None:
    samples = {"ELF": [ELF], "Mach-O": [MACHO, FAT], "PE": [PE]}
    for known in _FORMATS:
        for data in samples[known.name]:
            found = detect(data[:HEAD_SIZE])
            assert found is not None
            assert found.name == known.name


def test_a_format_that_is_not_met_is_not_imported() -> None:
    code = f"""
import sys
from bundler.binaries.formats import detect
detect({ELF[:HEAD_SIZE]!r})
assert "bundler.binaries.macho" not in sys.modules
detect({MACHO[:HEAD_SIZE]!r})
assert "bundler.binaries.macho" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("data", [ELF, MACHO, FAT, PE], ids=["ELF", "Mach-O", "fat", "PE"])
def test_a_truncated_file_is_damaged_whatever_is_asked(data: bytes) -> None:
    found = detect(data[:HEAD_SIZE])
    assert found is not None
    cut = io.BytesIO(data[:30])
    for ask in (found.read_image, found.facts, found.description):
        with pytest.raises(BinaryFormatError):
            ask(cut)


@pytest.mark.parametrize(
    ("data", "platform"),
    [
        (MACHO, Platform(OperatingSystem.MACOS, (AARCH64,))),
        (FAT, Platform(OperatingSystem.MACOS, (X86_64, AARCH64))),
        (ELF, Platform(OperatingSystem.LINUX, (X86_64,), Libc.GLIBC)),
        (PE, Platform(OperatingSystem.WINDOWS, (X86_64,))),
    ],
    ids=["thin", "fat", "ELF", "PE"],
)
def test_a_file_says_for_which_platform_it_is_built(data: bytes, platform: Platform) -> None:
    found = detect(data[:HEAD_SIZE])
    assert found is not None
    assert found.platform(io.BytesIO(data)) == platform


def test_machines_without_a_name_are_told_by_number() -> None:
    image = read_image(io.BytesIO(make_sample(ElfClass.ELF64, "little", machine=4711)))
    assert machine_of(image).name == "machine 4711"
    found = detect(make_macho(cpu=(77, 0))[:HEAD_SIZE])
    assert found is not None
    assert found.platform(io.BytesIO(make_macho(cpu=(77, 0)))).machine_names == ("CPU type 0x4d",)


def test_every_machine_that_has_a_name_is_known_by_its_number() -> None:
    numbers = (elf.EM_X86_64, elf.EM_386, elf.EM_AARCH64, elf.EM_ARM, elf.EM_PPC64, elf.EM_S390, elf.EM_RISCV)
    orders: tuple[ByteOrder, ...] = ("little", "big")
    samples = [
        make_sample(elf_class, order, machine=number)
        for number in (*numbers, elf.EM_LOONGARCH)
        for elf_class in ElfClass
        for order in orders
    ]
    assert {machine_of(read_image(io.BytesIO(data))) for data in samples} >= {*MACHINES}


def test_an_elf_file_asks_for_a_libc() -> None:
    needed = STRINGS.replace(b"libinner.so.1", b"libc.musl.so1")
    found = detect(ELF[:HEAD_SIZE])
    assert found is not None
    assert found.platform(io.BytesIO(ELF.replace(STRINGS, needed))).libc is Libc.MUSL


@pytest.mark.parametrize(
    "data",
    [
        ELF,
        MACHO.replace(LINKEDIT, b"\0plain\0_which\0".ljust(len(LINKEDIT))),
        PE,
    ],
    ids=["ELF", "Mach-O", "PE"],
)
def test_a_symbol_is_found_by_its_whole_name_in_cs_spelling(data: bytes) -> None:
    found = detect(data[:HEAD_SIZE])
    assert found is not None
    file = io.BytesIO(data)
    image = found.read_image(file)
    names = {
        name for name in ("which", "whic", "whichever", "plain", "missing") if found.names_symbol(file, image, name)
    }
    assert names == {"which"}


def test_a_signature_that_is_not_true_is_a_fault() -> None:
    signed = patch(make_macho(room=300), Edits(add_rpaths=("@loader_path/x",)))
    found = detect(signed[:HEAD_SIZE])
    assert found is not None
    image = found.read_image(io.BytesIO(signed))
    assert found.faults(io.BytesIO(signed), image) == ()
    broken = signed[:-2000] + b"!" + signed[-1999:]
    assert found.faults(io.BytesIO(broken), image) == ("a page does not have the hash that was signed",)
    elf_format = detect(ELF[:HEAD_SIZE])
    assert elf_format is not None
    assert elf_format.faults(io.BytesIO(ELF), elf_format.read_image(io.BytesIO(ELF))) == ()


def test_a_table_that_tells_of_more_than_memory_is_looked_for_in_what_is_there(tmp_path: Path) -> None:
    """On a disk: there, whoever asks for so much is given room for it first."""
    size = 1 << 61
    linkedit = MACHO.index(b"__LINKEDIT")
    (tmp_path / "file").write_bytes(MACHO[: linkedit + 40] + size.to_bytes(8, "little") + MACHO[linkedit + 48 :])
    with (tmp_path / "file").open("rb", buffering=0) as file:
        form = detect(MACHO[:HEAD_SIZE])
        assert form is not None
        assert not form.names_symbol(file, form.read_image(file), "PyInit_none")
        assert read_there(file, 4, size) == (tmp_path / "file").read_bytes()[4:]
        assert read_there(file, 1 << 40, size) == read_there(file, 4, -1) == b""
        with pytest.raises(BinaryFormatError, match=f"{size} bytes at offset 4 are needed"):
            read_at(file, 4, size, "a table")


def test_notes_that_lie_over_each_other_are_read_for_a_mebibyte(tmp_path: Path) -> None:
    """As many segments as there can be, each with thousands of notes of its own: a thousand million, if all were read."""
    note = struct.pack("<3I", 0, 0, 1)
    segments = [Segment(elf.PT_NOTE, 4, 12 * number, 0, 0, 1 << 18, 1 << 18, 4) for number in range(60_000)]
    file = io.BytesIO(note * 200_000)
    start = time.process_time()
    found = read_notes(file, structures(ElfClass.ELF64, "little"), segments)
    assert 0 < len(found) <= (1 << 20) // len(note)
    assert time.process_time() - start < 2
