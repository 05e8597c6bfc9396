"""DLLs beside a source's Python and in its Windows: the first one that its programs would load."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.systems.windows.drives import Drives
from bundler.systems.windows.source_dlls import SourceDlls, read_dll, system_folders
from tests.binaries.pe.samples import make_pe

AMD64, X86 = 0x8664, 0x14C
WINE = make_pe()[:64] + b"Wine builtin DLL\0" + bytes(47)


@pytest.fixture
def windows(tmp_path: Path) -> Path:
    for folder in ("python", "drive_c/windows/system32", "drive_c/windows/syswow64"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def dlls(root: Path, machine: int = AMD64) -> SourceDlls:
    drives = Drives(str(root / "drive_c"), "C:")
    folders = [drives.path_of(name) for name in system_folders(32 if machine == X86 else 64)]
    return SourceDlls(str(root / "python"), folders, machine)


def test_what_lies_beside_python_comes_first(windows: Path) -> None:
    for folder in ("python", "drive_c/windows/system32"):
        (windows / folder / "X.dll").write_bytes(make_pe())
    found = dlls(windows).find("x.DLL")
    assert found is not None
    assert (found.path, found.of_windows) == (str(windows / "python/X.dll"), False)
    (windows / "python/X.dll").unlink()
    found = dlls(windows).find("x")
    assert found is not None
    assert (found.path, found.of_windows) == (str(windows / "drive_c/windows/system32/X.dll"), True)


def test_a_file_for_another_machine_is_passed_over(windows: Path) -> None:
    (windows / "python/x.dll").write_bytes(make_pe(machine=X86))
    assert dlls(windows).find("x.dll") is None
    assert dlls(windows, X86).find("x.dll") is not None


def test_programs_of_32_bits_have_a_folder_of_their_own(windows: Path) -> None:
    for folder in ("system32", "syswow64"):
        (windows / "drive_c/windows" / folder / "x.dll").write_bytes(make_pe(machine=X86))
    found = dlls(windows, X86).find("x.dll")
    assert found is not None
    assert found.path == str(windows / "drive_c/windows/syswow64/x.dll")
    assert dlls(windows).find("x.dll") is None


def test_what_belongs_to_wine_is_no_dll_of_windows(windows: Path) -> None:
    """A prefix's system32 holds a copy of Wine's own part for each."""
    data = make_pe()
    moved = data[:60] + (128).to_bytes(4, "little") + WINE[64:128] + data[64:-64]
    place = windows / "drive_c/windows/system32/msvcp140.dll"
    place.write_bytes(moved)
    assert read_dll(str(place)) is not None
    assert dlls(windows).find("msvcp140.dll") is None
    place.write_bytes(moved.replace(b"Wine builtin", b"no such text"))
    assert dlls(windows).find("msvcp140.dll") is not None


def test_what_is_no_sound_pe_file_is_none(windows: Path) -> None:
    for name, data in (("a.dll", b""), ("b.dll", b"text" * 100), ("c.dll", make_pe()[:700])):
        (windows / "python" / name).write_bytes(data)
    found = dlls(windows)
    assert [found.find(name) for name in ("a.dll", "b.dll", "c.dll", "d.dll")] == [None] * 4
    assert dlls(windows / "nowhere").find("a.dll") is None
