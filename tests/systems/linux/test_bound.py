"""Symbols for whose lack the loader refuses a file: what is told is what the loader itself says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.binaries.elf.version_facts import symbol_versions
from bundler.faults import FaultKind
from bundler.platforms import X86_64
from bundler.sysroot import HOST
from bundler.systems.libraries import InBundle, Location, Missing, OnHost, UnboundSymbols
from bundler.systems.linux.bound import binds_at_once, host_libraries, unbound
from bundler.systems.linux.check import check_elf_files
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.glibc import system_libraries
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from tests.binaries.elf.programs import compile_c
from tests.material.schemes import POSIX_312
from tests.systems.linux.real_loader import image_of, program_of_this_machine
from tests.systems.views import View

NOW = "-Wl,-z,now"
TEXT = "#include <stdlib.h>\nint lost(void);\nint found(void) { return lost() + abs(-1); }\n"
WEAK = "__attribute__((weak)) int lost(void);\nint found(void) { return lost ? lost() : 0; }\n"
LIBC: Mapping[str, Location] = {"libc.so.6": OnHost()}


@pytest.fixture(scope="module")
def hosts() -> dict[str, str]:
    image = image_of(program_of_this_machine())
    found = host_libraries((), system_libraries(X86_64), HOST, SysrootLibraries(image).is_library)
    if image.machine_name != "x86-64" or not found:
        pytest.skip("needs glibc for x86-64")
    return found


def made(folder: Path, name: str, text: str, *flags: str) -> ElfFile:
    compile_c(text, folder / name, "-shared", "-fPIC", *flags)
    return ElfFile(name, str(folder / name), image_of(folder / name))


def told(
    folder: Path, files: list[ElfFile], hosts: dict[str, str], needs: Mapping[str, Mapping[str, Location]]
) -> list[UnboundSymbols]:
    versions = {}
    for file in files:
        with (folder / file.path).open("rb") as opened:
            versions[file.path] = symbol_versions(opened, file.image)
    return list(unbound(files, versions, lambda path: (folder / path).open("rb"), hosts, needs))


def opens(path: Path) -> bool:
    """Whether the loader takes a library."""
    code = f"import ctypes; ctypes.CDLL({str(path)!r}, ctypes.RTLD_LOCAL)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "undefined symbol: lost" in done.stderr, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize(
    ("text", "flags", "refused"),
    [
        pytest.param(TEXT, (NOW,), True, id="at once"),
        pytest.param(TEXT, ("-Wl,-z,lazy",), False, id="when it is called"),
        pytest.param(WEAK, (NOW,), False, id="weakly"),
        pytest.param(
            TEXT.replace("int lost(void);", "static int lost(void) { return 1; }"), (NOW,), False, id="its own"
        ),
    ],
)
def test_what_nothing_has_is_told_where_the_loader_refuses_it(
    tmp_path: Path, hosts: dict[str, str], text: str, flags: tuple[str, ...], refused: bool
) -> None:
    file = made(tmp_path, "a.so", text, *flags)
    assert binds_at_once(file.image) is (NOW in flags)
    found = told(tmp_path, [file], hosts, {"a.so": LIBC})
    assert found == ([UnboundSymbols("a.so", ("lost",))] if refused else [])
    # ctypes itself opens with RTLD_NOW: lazily only without a variable that says so.
    if NOW in flags:
        assert opens(tmp_path / "a.so") is not refused


@pytest.mark.parametrize("linked", [True, False])
def test_what_another_file_has_is_not(tmp_path: Path, hosts: dict[str, str], linked: bool) -> None:
    """Be it a library that the file names, or one that somebody else opens before."""
    other = made(tmp_path, "b.so", "int lost(void) { return 1; }\n", "-Wl,-soname,b.so")
    file = made(tmp_path, "a.so", TEXT, NOW, *([str(tmp_path / "b.so")] if linked else []))
    needs = {"a.so": {**LIBC, **({"b.so": InBundle("b.so")} if linked else {})}, "b.so": LIBC}
    assert told(tmp_path, [file, other], hosts, needs) == []


@pytest.mark.parametrize("place", [OnHost(), Missing()])
def test_a_file_that_needs_what_is_not_here_is_not_looked_at(
    tmp_path: Path, hosts: dict[str, str], place: Location
) -> None:
    """A driver's library, say: nobody can tell what it has."""
    file = made(tmp_path, "a.so", TEXT, NOW)
    assert told(tmp_path, [file], hosts, {"a.so": {**LIBC, "libdriver.so.1": place}}) == []


def test_nothing_is_told_where_no_libc_is(tmp_path: Path) -> None:
    assert told(tmp_path, [made(tmp_path, "a.so", TEXT, NOW)], {}, {"a.so": {}}) == []
    other = replace(image_of(program_of_this_machine()), machine=0x1234)
    assert host_libraries((), system_libraries(X86_64), HOST, SysrootLibraries(other).is_library) == {}


@pytest.mark.parametrize("known", [True, False])
def test_the_audit_has_a_fault_for_it_and_a_note_where_the_source_lacks_it_too(
    tmp_path: Path, hosts: dict[str, str], known: bool
) -> None:
    file = made(tmp_path, "a.so", TEXT, NOW)
    program = image_of(program_of_this_machine())
    view = View(
        {POSIX_312.executable: program, "a.so": file.image},
        unbound={"a.so": {"lost"}} if known else {},
        open_file=lambda path: (tmp_path / path).open("rb") if path == "a.so" else program_of_this_machine().open("rb"),
    )
    found = check_elf_files(view)
    faults = [fault for fault in found.faults if "lost" in fault.message]
    assert [(fault.kind, fault.path) for fault in faults] == ([] if known else [(FaultKind.LIBRARY, "a.so")])
    assert any("lost" in note and "in the source either" in note for note in found.notes) is known
