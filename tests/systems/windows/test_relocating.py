"""What lies in `Scripts` finds the bundle's Python by itself: launchers, scripts, batch files; or the reason says why not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from bundler.systems.system import RelocatedScript
from bundler.systems.windows.launchers import leads_to, read_launcher
from bundler.systems.windows.launchers.relocating import relocate
from tests.binaries.pe.shapes import fixture, signed
from tests.material.launchers import (
    FROM_BUILD,
    OLDEST_PIP,
    UV_FIRST,
    UV_OLDEST,
    distlib_launcher,
    footer_trampoline,
    pip_program,
    resource_trampoline,
    setuptools_launcher,
    trampoline,
    zipped,
)
from tests.material.schemes import WINDOWS_312

OF_PIP = "Lib/site-packages/pip/_vendor/distlib/"


def became(name: str, data: bytes, files: Mapping[str, bytes] | None = None) -> RelocatedScript | None:
    return relocate(f"Scripts/{name}", data, WINDOWS_312, (files or {}).get)


def changed(name: str, data: bytes, files: Mapping[str, bytes] | None = None) -> bytes:
    """The new content, which needs no further change."""
    found = became(name, data, files)
    assert found is not None
    assert found.data is not None, found.reason
    assert became(name, found.data, files) is None
    return found.data


def test_a_launcher_finds_the_python_above_its_folder() -> None:
    for data in (distlib_launcher(), footer_trampoline(), resource_trampoline()):
        launcher = read_launcher(changed("app.exe", data))
        assert launcher is not None
        assert leads_to(launcher, "Scripts") == "python.exe"


def test_one_that_moves_but_leads_to_an_environment_s_own_python_changes_as_well() -> None:
    """`uv venv --relocatable` names the python.exe beside the launcher, which a bundle does not have."""
    for data in (footer_trampoline("python.exe"), distlib_launcher("#!<launcher_dir>\\python.exe\n")):
        launcher = read_launcher(changed("app.exe", data))
        assert launcher is not None
        assert leads_to(launcher, "Scripts") == "python.exe"


def test_other_programs_and_texts_stay_as_they_are() -> None:
    assert became("ninja.exe", fixture()) is None
    assert became("app.exe", setuptools_launcher()) is None
    for text in (
        b"#!/usr/bin/env python3\n",
        b"#!/usr/bin/python3\n",
        b"#!/bin/sh\n",
        b"#!perl.exe\n",
        b"#!C:\\x\\pythonic.exe\n",
        b"#!\n",
        b"#!",
    ):
        assert became("script", text) is None
    assert became("x.cmd", b"@echo off\r\npython x.py\r\n") is None


def test_a_signature_that_goes_is_told() -> None:
    found = became("app.exe", signed(distlib_launcher()))
    assert found is not None
    assert found.reason == "launcher made relocatable, without its signature"


@pytest.mark.parametrize("gui", [False, True])
def test_what_cannot_be_changed_is_made_anew_with_a_launcher_of_the_environment(gui: bool) -> None:
    kind = "w" if gui else "t"
    old = (
        distlib_launcher(f"#!{FROM_BUILD} -X utf8\n", base=pip_program(OLDEST_PIP, f"{kind}64")),
        footer_trampoline(FROM_BUILD, b"UVUV", UV_OLDEST, gui=gui),
        trampoline(UV_FIRST, gui=gui) + zipped(),
    )
    for data in old:
        alone = became("app.exe", data)
        assert alone is not None
        assert alone.data is None
        assert "names a Python that stays behind" in alone.reason
        stubs = {f"{OF_PIP}{name}.exe": pip_program(name=name) for name in ("t32", "w32", "t64", "w64", "t64-arm")}
        new = changed("app.exe", data, stubs)
        assert new.startswith(stubs[f"{OF_PIP}{kind}64.exe"])
        assert new.endswith(zipped())
    assert b"python.exe -X utf8\r\n" in changed("app.exe", old[0], stubs).replace(b"pythonw", b"python")


def test_options_that_are_too_long_for_distlib_are_told() -> None:
    """It reads 260 bytes in front of the zip."""
    stub = {f"{OF_PIP}t64.exe": pip_program()}
    for size, fits in ((227, True), (228, False)):
        for base in (pip_program(), pip_program(OLDEST_PIP)):
            found = became("app.exe", distlib_launcher(f"#!p.exe {'x' * size}\n", base=base), stub)
            assert found is not None
            assert (found.data is not None) == fits
            assert fits or "options for Python are too long: 261 bytes" in found.reason


def test_a_package_s_launcher_that_is_another_program_is_not_used() -> None:
    data = distlib_launcher(base=pip_program(OLDEST_PIP))
    for wrong in (b"MZ", fixture(), pip_program(name="w64"), pip_program(name="t32"), pip_program(OLDEST_PIP)):
        found = became("app.exe", data, {f"{OF_PIP}t64.exe": wrong})
        assert found is not None
        assert found.data is None


def test_what_stands_in_for_python_is_told() -> None:
    for data in (footer_trampoline(magic=b"UVPY", script=None), resource_trampoline(script=None)):
        found = became("python3.exe", data)
        assert found == RelocatedScript(None, "starts a Python that stays behind")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"#!C:\\env\\Scripts\\python.exe\r\nx", b"#!..\\python.exe\r\nx"),
        (b'#!"C:\\a b\\Scripts\\python.exe" -E\nx', b"#!..\\python.exe -E\nx"),
        (b"#!C:\\a b\\Scripts\\python.exe -E\nx", b"#!..\\python.exe -E\nx"),
        (b"#!C:\\env\\Scripts\\pythonw.exe\nx", b"#!..\\pythonw.exe\nx"),
        (b"#!C:\\env\\python3.12.exe\nx", b"#!..\\python.exe\nx"),
        (b"#!python\nx", b"#!..\\python.exe\nx"),
        (b"#!pythonw\nx", b"#!..\\pythonw.exe\nx"),
        (b"#!C:/env/python.exe", b"#!..\\python.exe"),
    ],
)
def test_a_script_names_the_python_above_its_folder(old: bytes, new: bytes) -> None:
    assert changed("script.py", old) == new


@pytest.mark.parametrize("gui", [False, True])
def test_a_script_of_setuptools_launcher_counts_from_the_folder_above(gui: bool) -> None:
    name = f"app-script.py{'w' if gui else ''}"
    old = f'#!"C:\\a b\\python{"w" if gui else ""}.exe" -x\r\nx'.encode()
    beside = {"Scripts/app.exe": setuptools_launcher(gui=gui)}
    assert changed(name, old, beside) == f"#!python{'w' if gui else ''}.exe -x\r\nx".encode()
    assert changed(name, old).startswith(b"#!..\\python")


def test_a_script_whose_launcher_cannot_find_the_interpreter_is_told() -> None:
    deep = dataclasses.replace(WINDOWS_312, executable="Scripts/python.exe")
    files = {"Scripts/app.exe": setuptools_launcher()}
    found = relocate("Scripts/app-script.py", b"#!C:\\python.exe\n", deep, files.get)
    assert found is not None
    assert found.data is None
    assert "counts from the folder above" in found.reason


def test_a_batch_file_finds_python_from_its_own_place() -> None:
    old = b'@echo off\r\n"C:\\a b\\Scripts\\python.exe" "%~dp0\\app" %*\r\n'
    assert changed("app.cmd", old) == b'@echo off\r\n"%~dp0..\\python.exe" "%~dp0\\app" %*\r\n'
    assert changed("app.BAT", b'@"\\\\server\\x\\pythonw.exe" x') == b'@"%~dp0..\\pythonw.exe" x'
