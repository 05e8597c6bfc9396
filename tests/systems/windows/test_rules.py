"""Windows' answers to what the program asks of each system."""

from __future__ import annotations

from pathlib import Path

import pytest

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
