"""Windows' answers to what the program asks of each system."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bundler.binaries.pe import constants as c
from bundler.binaries.pe import read_image
from bundler.systems.windows.rules import WINDOWS
from tests.binaries.pe.samples import make_pe
from tests.material.schemes import WINDOWS_312


@pytest.mark.parametrize(
    ("path", "stays"),
    [
        ("C:\\Windows\\System32\\msvcp140.dll", False),
        ("C:\\Windows\\System32\\vendor.dll", True),
        ("c:/windows/system32/vendor.dll", True),
        ("C:\\vendor\\vendor.dll", False),
        ("D:\\x\\BCRYPT.dll", True),
        ("kernel32", True),
    ],
)
def test_a_dll_is_windows_own_by_its_name_or_its_place(path: str, stays: bool) -> None:
    assert WINDOWS.belongs_to_host(path) is stays


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("libreadline8.dll", "GPL-3.0-or-later"),
        ("LIBGDBM-6.dll", "GPL-3.0-or-later"),
        ("libdb-6.dll", "AGPL-3.0"),
        ("libdb-6.2.dll", "AGPL-3.0"),
        ("libreadlines.dll", None),
        ("zlib1.dll", None),
    ],
)
def test_strong_copyleft_is_known_whatever_number_follows_the_name(name: str, licence: str | None) -> None:
    assert WINDOWS.copyleft_licence(name) == licence


def test_an_opened_dll_says_what_it_needs(tmp_path: Path) -> None:
    for name, data in (("Vendor.dll", make_pe(["x.dll"])), ("m.pyd", make_pe()), ("tool.exe", make_pe(dll=False))):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "text.dll").write_text("text")
    assert WINDOWS.opened_library(str(tmp_path / "Vendor.dll")) == ("Vendor.dll", ("x.dll",))
    assert [WINDOWS.opened_library(str(tmp_path / name)) for name in ("m.pyd", "tool.exe", "text.dll", "none.dll")] == [
        None
    ] * 4


@pytest.mark.parametrize(
    ("path", "shadows"),
    [
        ("x.DLL", True),
        ("dlls/x.dll", True),
        ("Lib/site-packages/pkg/x.dll", False),
        ("x.txt", False),
        ("DLLs/sub/x.dll", False),
    ],
)
def test_a_dll_that_is_added_where_python_s_own_look_is_in_their_way(path: str, shadows: bool) -> None:
    assert WINDOWS.shadows(path, WINDOWS_312) is shadows


@pytest.mark.parametrize(
    ("machine", "built_for", "runs"),
    [
        ("AMD64", c.IMAGE_FILE_MACHINE_AMD64, True),
        ("AMD64", c.IMAGE_FILE_MACHINE_I386, True),
        ("AMD64", c.IMAGE_FILE_MACHINE_ARM64, False),
        ("ARM64", c.IMAGE_FILE_MACHINE_AMD64, True),
        ("ARM64", c.IMAGE_FILE_MACHINE_ARM64, True),
        ("x86", c.IMAGE_FILE_MACHINE_AMD64, False),
    ],
)
def test_windows_runs_what_is_for_its_processor_or_emulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, built_for: int, runs: bool
) -> None:
    image = read_image(io.BytesIO(make_pe(dll=False)))
    program = replace(image, headers=replace(image.headers, machine=built_for))
    assert WINDOWS.why_not_run(program, "python.exe") == "it is built for Windows", "Linux runs none"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine))
    why_not = WINDOWS.why_not_run(program, "python.exe")
    assert (why_not is None) is runs
    assert runs or f"this machine is {machine}" in str(why_not)
    assert WINDOWS.why_not_run(None, "python.exe") is not None
