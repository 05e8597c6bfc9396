"""The loader that a program names: which is the system's, and where another one looks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.binaries.elf import ElfClass, Image
from bundler.platforms import X86_64
from bundler.systems.linux.check import check_elf_files
from bundler.systems.linux.glibc import system_libraries
from bundler.systems.linux.program_loader import own_places, standard_loader
from tests.plan.binaries.linux.worlds import SCHEME
from tests.systems.linux.real_loader import image_of, program_of_this_machine
from tests.systems.views import View


def naming(loader: str | None, machine: int = 62, bits: int = 64) -> Image:
    """The headers of a program that names a loader."""
    image = image_of(program_of_this_machine())
    return replace(
        image, interpreter=loader, machine=machine, elf_class=ElfClass.ELF32 if bits == 32 else ElfClass.ELF64
    )


@pytest.mark.parametrize(
    ("loader", "standard"),
    [
        ("/lib64/ld-linux-x86-64.so.2", None),
        ("/srv/brew/lib/ld.so", "/lib64/ld-linux-x86-64.so.2"),
        ("/nix/store/abc-glibc-2.38-44/lib/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
        ("/lib/x86_64-linux-gnu/ld-2.31.so", "/lib64/ld-linux-x86-64.so.2"),
        ("/lib64/ld-lsb-x86-64.so.3", "/lib64/ld-linux-x86-64.so.2"),
        ("/lib/ld-musl-x86_64.so.1", None),
        ("/gnu/store/abc-musl-1.2.3/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-x86_64.so.1"),
        ("/system/bin/linker64", None),
        (None, None),
    ],
)
def test_only_a_loader_of_a_libc_that_is_not_the_systems_becomes_the_systems(
    loader: str | None, standard: str | None
) -> None:
    assert standard_loader(naming(loader)) == standard


@pytest.mark.parametrize("name", ["ld-linux.so.3", "ld-linux-armhf.so.3"])
def test_of_two_loaders_of_a_machine_the_one_of_the_same_name_is_meant(name: str) -> None:
    assert standard_loader(naming(f"/gnu/store/glibc/lib/{name}", machine=40, bits=32)) == f"/lib/{name}"


def test_a_machine_that_is_not_known_keeps_its_loader() -> None:
    assert standard_loader(naming("/gnu/store/lib/ld.so.1", machine=0x1234)) is None


def test_a_loader_tells_where_it_looks() -> None:
    loader = image_of(program_of_this_machine()).interpreter or ""
    if not os.path.isdir("/usr/lib/x86_64-linux-gnu"):
        pytest.skip("this is no Debian on x86-64")
    places = own_places(os.path.realpath(loader))
    assert places == (
        "/etc/ld.so.cache",
        ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"),
    )


def test_a_program_with_a_loader_of_its_own_finds_what_that_one_finds(tmp_path: Path) -> None:
    """Not what the system's cache says: those libraries may need another libc."""
    loader = tmp_path / "lib/ld.so"
    loader.parent.mkdir()
    loader.write_bytes(b"\x7fELF\0\0/no/folder\0/gnu/store/glibc/lib/\0/gnu/lib64/\0\0/gnu/etc/ld.so.cache\0")
    system = system_libraries(X86_64, program=naming(str(loader)))
    assert (dict(system.cache), system.default_directories) == ({}, ("/gnu/store/glibc/lib", "/gnu/lib64"))
    assert system_libraries(X86_64, program=naming("/lib64/ld-linux-x86-64.so.2")) == system_libraries(X86_64)


def test_a_bundle_whose_programs_name_a_loader_of_their_own_has_a_fault() -> None:
    images = {SCHEME.executable: naming("/opt/brew/lib/ld.so"), "bin/tool": naming("/opt/brew/lib/ld.so")}
    faults = check_elf_files(View(images, SCHEME)).faults
    assert [(fault.path, "started by /opt/brew/lib/ld.so" in fault.message) for fault in faults] == [
        (SCHEME.executable, True),
        ("bin/tool", True),
    ]
    assert not check_elf_files(View(dict.fromkeys(images, naming("/lib64/ld-linux-x86-64.so.2")), SCHEME)).faults
