"""Programs have what the machine gives to each, and a home of their own, by the names that the system has for these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.machine import variables, windows


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setattr(variables, "HAS_DRIVES", True)
        patched.setattr(variables, "os", windows)
        yield


def test_on_posix_a_program_has_a_path_a_home_and_a_folder_for_temporary_files() -> None:
    assert variables.least_variables() == {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    assert variables.with_home({"X": "1", "HOME": "/root"}, "/tmp/h") == {
        "X": "1",
        "HOME": "/tmp/h",
        "TMPDIR": "/tmp/h",
    }


def test_on_windows_it_has_what_sockets_and_random_numbers_need_and_nothing_of_the_users(
    on_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEMROOT", r"D:\Windows")
    monkeypatch.setenv("COMSPEC", r"D:\Windows\System32\cmd.exe")
    monkeypatch.setenv("PYTHONPATH", "x")
    found = variables.least_variables()
    assert found["SYSTEMROOT"] == r"D:\Windows"
    assert found["COMSPEC"] == r"D:\Windows\System32\cmd.exe"
    assert found["PATH"] == r"D:\Windows\System32;D:\Windows"
    assert not {"PYTHONPATH", "HOME", "USERPROFILE", "APPDATA"} & found.keys()


def test_on_windows_all_folders_of_the_user_are_the_home(on_windows: None) -> None:
    found = variables.with_home({"TEMP": r"C:\Temp"}, "C:/Users/me/h")
    assert {found[name] for name in ("USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP")} == {r"C:\Users\me\h"}
    assert found["HOMEDRIVE"] + found["HOMEPATH"] == r"C:\Users\me\h"


def test_caches_lie_where_the_system_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert variables.cache_home() == f"{tmp_path}/.cache"
    monkeypatch.setenv("LOCALAPPDATA", r"C:\Users\me\AppData\Local")
    with monkeypatch.context() as patched:
        patched.setattr(variables, "HAS_DRIVES", True)
        assert variables.cache_home() == r"C:\Users\me\AppData\Local"
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert variables.cache_home() == "/somewhere"
