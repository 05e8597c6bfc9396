"""The entry stubs: what is committed is what their source gives, and stands for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.binaries.elf import ElfClass, stubs
from bundler.binaries.elf import constants as c
from tests.material.entry_stubs import MACHINES, STUBS, build, digests_that_fit, need_compiler

NUMBERS = {
    "x86_64": c.EM_X86_64,
    "aarch64": c.EM_AARCH64,
    "riscv64": c.EM_RISCV,
    "arm": c.EM_ARM,
    "x86": c.EM_386,
}
MOST, MOST_CHOOSING = 2048, 2432
"""The largest sizes in bytes of the stubs that start one loader, and of those that choose between two."""
FOLDER = Path(stubs.__file__).parent


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_is_what_its_source_gives(name: str) -> None:
    need_compiler()
    assert build(name) == (FOLDER / f"{name}.bin").read_bytes()


def test_digests_are_those_of_the_stubs() -> None:
    assert digests_that_fit(FOLDER) == {f"{name}.bin" for name in STUBS}


@pytest.mark.parametrize("name", MACHINES)
def test_a_stub_is_small_and_begins_with_its_parameters(name: str) -> None:
    elf_class = ElfClass.ELF32 if name in ("arm", "x86") else ElfClass.ELF64
    for chooses, most in ((False, MOST), (True, MOST_CHOOSING)):
        stub = stubs.stub_for(NUMBERS[name], elf_class, "little", chooses=chooses)
        assert stub is not None
        assert len(stub.code) < most
        magic, *rest = stub.codec.unpack_from(stub.code)
        assert (magic, rest) == (stubs.MAGIC, [0, 0, 0, 0, 0, 0])


def test_machines_without_a_stub_are_told() -> None:
    assert stubs.stub_for(c.EM_S390, ElfClass.ELF64, "big") is None
    assert stubs.stub_for(c.EM_X86_64, ElfClass.ELF32, "little") is None  # x32
    assert stubs.stub_machines() == ("x86-64", "aarch64", "riscv", "arm", "i386")
