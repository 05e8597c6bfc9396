"""Launchers as pip, uv and setuptools write them: recognised, and made to find the Python above their own folder."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from bundler.binaries.pe import constants as c
from bundler.binaries.pe.checksum import file_checksum
from bundler.binaries.pe.headers import read_headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers import (
    LauncherKind,
    leads_to,
    read_launcher,
    relocated_launcher,
    script_beside,
)
from tests.binaries.pe.shapes import fixture, fixtures, signed
from tests.material.launchers import (
    DISTLIB,
    FROM_BUILD,
    INSTALLER,
    OLD_PIP,
    OLDEST_PIP,
    UV,
    UV_FIRST,
    UV_FOOTER_OLD,
    UV_OLDEST,
    distlib_launcher,
    footer_trampoline,
    pip_program,
    program,
    resource_trampoline,
    setuptools_launcher,
    trampoline,
    without_padding,
    zipped,
)

PYTHON = "..\\python.exe"


def relocated(data: bytes, python: str = PYTHON) -> bytes:
    """The changed launcher, which is read again, is a whole program, and has its script as it was."""
    before = read_launcher(data)
    assert before is not None
    new = relocated_launcher(data, before, python)
    after = read_launcher(new)
    assert after is not None
    assert (after.kind, after.gui, after.machine) == (before.kind, before.gui, before.machine)
    assert (after.script is None) == (before.script is None)
    if before.script is not None and after.script is not None:
        assert after.script.of(new) == before.script.of(data)
        assert zipfile.ZipFile(io.BytesIO(after.script.of(new))).namelist() == ["__main__.py"]
    assert after.kind is LauncherKind.SETUPTOOLS or leads_to(after, "Scripts") in ("python.exe", "pythonw.exe")
    assert FROM_BUILD.encode() not in new
    assert relocated_launcher(new, after, python) == new
    return new


@pytest.mark.parametrize("name", ["t32", "t64", "t64-arm", "w32", "w64", "w64-arm"])
@pytest.mark.parametrize("package", [DISTLIB, INSTALLER])
def test_every_launcher_of_distlib_leads_to_the_python_that_fits_it(name: str, package: str) -> None:
    folder = "installer/_scripts" if package == INSTALLER else "distlib"
    data = distlib_launcher(base=program(package, f"{folder}/{name}.exe"))
    found = read_launcher(data)
    assert found is not None
    assert (found.kind, found.gui, found.python) == (LauncherKind.DISTLIB, name[0] == "w", FROM_BUILD)
    assert leads_to(found, "Scripts") is None
    new = read_launcher(relocated(data))
    assert new is not None
    assert leads_to(new, "Scripts") == ("pythonw.exe" if name[0] == "w" else "python.exe")


@pytest.mark.parametrize(
    ("line", "python", "arguments"),
    [
        ('#!"C:\\a b\\python.exe"\r\n', "C:\\a b\\python.exe", ""),
        ("#!C:\\a b\\python.exe -E -X utf8\n", "C:\\a b\\python.exe", "-E -X utf8"),
        ('#!"C:\\x.exe y\\python.exe" -u\n\r\n', "C:\\x.exe y\\python.exe", "-u"),
        ("#! C:\\é\\PYTHON.EXE\n", "C:\\é\\PYTHON.EXE", ""),
        ("#!python.exe\n", "python.exe", ""),
        ("#!/usr/bin/env python\n", "/usr/bin/env", "python"),
        ("#!<launcher_dir>\\..\\python.exe\n", "<launcher_dir>\\..\\python.exe", ""),
        ('#!<LAUNCHER_DIR>\\"..\\my dir\\python.exe" -I\n', "<LAUNCHER_DIR>\\..\\my dir\\python.exe", "-I"),
    ],
)
def test_a_shebang_is_read_in_all_its_spellings(line: str, python: str, arguments: str) -> None:
    found = read_launcher(distlib_launcher(line))
    assert found is not None
    assert (found.python, found.arguments) == (python, arguments)
    assert (leads_to(found, "Scripts") is not None) == ("<" in line)


def test_the_options_of_a_shebang_stay() -> None:
    new = relocated(distlib_launcher("#!C:\\python.exe -X utf8\n"))
    assert b"#!<launcher_dir>\\..\\python.exe -X utf8\r\nPK" in new


def test_a_shebang_in_the_program_s_own_bytes_is_none() -> None:
    """Only what stands behind the sections, and at most 260 bytes before the zip, is looked at, as distlib does."""
    base = pip_program()
    for between in (b"", b"#!C:\\python.exe\n" + b"x" * 260, b"#!C:\\python.exe"):
        found = read_launcher(base + between + zipped())
        assert found is not None
        assert found.kind is LauncherKind.UNKNOWN


def test_pip_before_19_2_has_launchers_that_cannot_be_changed_and_says_so() -> None:
    data = distlib_launcher(base=pip_program(OLDEST_PIP))
    found = read_launcher(data)
    assert found is not None
    assert not found.counts_from_itself
    with pytest.raises(CannotPatch, match=r"before 19\.2"):
        relocated_launcher(data, found, PYTHON)
    relocated(distlib_launcher(base=pip_program(OLD_PIP)))


@pytest.mark.parametrize("gui", [False, True])
def test_a_trampoline_with_resources_gets_a_path_in_place(gui: bool) -> None:
    data = resource_trampoline(gui=gui)
    found = read_launcher(data)
    assert found is not None
    assert (found.kind, found.gui, found.python) == (LauncherKind.UV, gui, FROM_BUILD)
    assert found.place.of(data) == FROM_BUILD.encode()
    new = relocated(data)
    assert len(new) == len(data)
    after = read_launcher(new)
    assert after is not None
    assert after.python == ("..\\pythonw.exe" if gui else PYTHON)
    assert leads_to(after, "Scripts") == after.python[3:]


@pytest.mark.parametrize("gui", [False, True])
def test_a_trampoline_whose_resources_are_full_gets_a_longer_path_as_well(gui: bool) -> None:
    """`uv venv --relocatable` names the python.exe beside the trampoline, and that of a bundle is three letters longer."""
    data = without_padding(resource_trampoline("pythonw.exe" if gui else "python.exe", gui=gui))
    after = read_launcher(relocated(data))
    assert after is not None
    assert leads_to(after, "Scripts") == ("pythonw.exe" if gui else "python.exe")


@pytest.mark.parametrize("gui", [False, True])
@pytest.mark.parametrize(("magic", "version"), [(b"UVSC", "uv==0.9.8"), (b"UVUV", UV_FOOTER_OLD)])
def test_a_trampoline_with_a_footer_gets_a_path_of_any_length(gui: bool, magic: bytes, version: str) -> None:
    for python in (FROM_BUILD, "C:\\p.exe", "python.exe"):
        data = footer_trampoline(python, magic, version, gui=gui)
        found = read_launcher(data)
        assert found is not None
        assert (found.kind, found.gui, found.python) == (LauncherKind.UV_FOOTER, gui, python)
        path = b"..\\pythonw.exe" if gui else PYTHON.encode()
        assert relocated(data).endswith(zipped()[-22:] + path + struct.pack("<I", len(path)) + magic)


def test_uv_before_0_2_has_trampolines_that_cannot_be_changed_and_says_so() -> None:
    data = footer_trampoline(FROM_BUILD, b"UVUV", UV_OLDEST)
    found = read_launcher(data)
    assert found is not None
    assert found.kind is LauncherKind.UV_FOOTER
    with pytest.raises(CannotPatch, match=r"before 0\.2"):
        relocated_launcher(data, found, PYTHON)


@pytest.mark.parametrize("gui", [False, True])
def test_what_stands_in_for_python_is_told_apart_and_never_changed(gui: bool) -> None:
    for data in (
        resource_trampoline(gui=gui, script=None),
        footer_trampoline(magic=b"UVPY", gui=gui, script=None),
    ):
        found = read_launcher(data)
        assert found is not None
        assert (found.kind, found.gui, found.python, found.script) == (LauncherKind.UV_PYTHON, gui, FROM_BUILD, None)
        with pytest.raises(CannotPatch, match="stands in for a Python"):
            relocated_launcher(data, found, PYTHON)


@pytest.mark.parametrize("machine", ["32", "64", "arm64"])
@pytest.mark.parametrize("gui", [False, True])
def test_the_launchers_of_setuptools_stay_as_they_are(gui: bool, machine: str) -> None:
    data = setuptools_launcher(gui=gui, machine=machine)
    found = read_launcher(data)
    assert found is not None
    assert (found.kind, found.gui, found.python) == (LauncherKind.SETUPTOOLS, gui, "")
    assert relocated_launcher(data, found, PYTHON) == data
    assert script_beside(found, "Scripts/foo.bar.exe") == f"Scripts/foo.bar-script.py{'w' if gui else ''}"


def test_a_signature_goes_and_a_checksum_is_true() -> None:
    plain = distlib_launcher()
    data = signed(plain)
    new = relocated(data)
    headers = read_headers(io.BytesIO(new), len(new))
    assert headers.directory(c.SECURITY).size == 0
    assert len(new) < len(data) - 72
    for other in (resource_trampoline(), resource_trampoline("python.exe")):
        place = read_headers(io.BytesIO(other), len(other)).optional_offset + 64
        after = relocated(other[:place] + b"\1\0\0\0" + other[place + 4 :])
        assert read_headers(io.BytesIO(after), len(after)).checksum == file_checksum(io.BytesIO(after), place)
    place = headers.optional_offset + 64
    summed = plain[:place] + b"\1\0\0\0" + plain[place + 4 :]
    after = relocated(summed)
    assert read_headers(io.BytesIO(after), len(after)).checksum == file_checksum(io.BytesIO(after), place)


def test_a_program_with_a_script_and_no_path_is_an_unknown_launcher_and_one_with_more_is_none() -> None:
    data = trampoline(UV_FIRST) + zipped()
    found = read_launcher(data)
    assert found is not None
    assert (found.kind, found.python, leads_to(found, "Scripts")) == (LauncherKind.UNKNOWN, "", None)
    assert found.script is not None
    assert found.script.of(data) == zipped()
    with pytest.raises(CannotPatch, match="not known"):
        relocated_launcher(data, found, PYTHON)
    more = io.BytesIO(data)
    with zipfile.ZipFile(more, "a") as archive:
        archive.writestr("app/__init__.py", b"")
    assert read_launcher(more.getvalue()) is None


def test_what_only_ends_like_a_launcher_is_none() -> None:
    dll = next(data for data in fixtures() if read_headers(io.BytesIO(data), len(data)).is_dll)
    path = FROM_BUILD.encode()
    footer = path + struct.pack("<I", len(path)) + b"UVSC"
    base = trampoline("uv==0.9.8")
    assert read_launcher(base + zipped() + footer) is not None
    assert read_launcher(dll + zipped() + footer) is None
    assert read_launcher(base + footer) is None  # no script
    assert read_launcher(base + struct.pack("<I", 100) + b"UVPY") is None  # the path would begin within the program
    assert read_launcher(base + b"\xff" * 9 + struct.pack("<I", 9) + b"UVPY") is None  # no UTF-8
    assert read_launcher(setuptools_launcher() + b"x" * 512) is None  # somebody's own payload


def test_a_path_that_counts_from_the_working_directory_leads_nowhere() -> None:
    found = read_launcher(footer_trampoline(PYTHON, b"UVUV", UV_OLDEST))
    assert found is not None
    assert leads_to(found, "Scripts") is None


def test_cpython_s_own_launcher_of_an_environment_is_told_by_what_it_names() -> None:
    """A stand-in: CPython's programs are in no package that the tests can have."""
    names = "pyvenv.cfg\0__PYVENV_LAUNCHER__\0".encode("utf-16-le")
    found = read_launcher(fixture() + names)
    assert found is not None
    assert (found.kind, leads_to(found, "Scripts")) == (LauncherKind.VENV, None)
    with pytest.raises(CannotPatch, match="stands in for a Python"):
        relocated_launcher(fixture() + names, found, PYTHON)


def test_other_programs_are_no_launchers() -> None:
    others = [*fixtures(), pip_program(), trampoline(UV), trampoline("uv==0.9.8"), b"", b"MZ", b"#!/bin/sh\n", zipped()]
    assert [read_launcher(data) for data in others] == [None] * len(others)
    with zipfile.ZipFile(io.BytesIO(zipped())) as archive:
        assert archive.testzip() is None
