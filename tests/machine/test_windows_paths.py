r"""Paths of Windows are divided by `/` whatever a person types, so that they are taken apart as on every other system."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path

import pytest

from bundler import machine
from bundler.bundle_paths import BundleRoot, lies_in
from bundler.machine import windows
from bundler.machine import windows_paths as paths


@pytest.mark.parametrize(
    ("told", "written"),
    [
        (r"C:\Users\me", "C:/Users/me"),
        ("\\\\?\\C:\\very\\long", "C:/very/long"),
        ("\\\\?\\UNC\\server\\share\\x", "//server/share/x"),
        (r"\\server\share\x", "//server/share/x"),
        ("dist/app", "dist/app"),
    ],
)
def test_a_path_is_written_with_slashes_and_without_windows_own_prefix(told: str, written: str) -> None:
    assert paths.slashed(told) == written


def test_what_is_put_together_lies_in_what_it_was_put_to() -> None:
    folder = paths.abspath(r"C:\Users\me\..\you")
    assert folder == "C:/Users/you"
    inner = paths.join(folder, "Lib", r"site-packages\six.py")
    assert inner == "C:/Users/you/Lib/site-packages/six.py"
    assert lies_in(inner, folder)
    assert BundleRoot(folder).inside(inner) == "Lib/site-packages/six.py"
    assert paths.join(folder, r"D:\x") == "D:/x"


def test_what_is_taken_apart_has_slashes() -> None:
    assert paths.dirname(r"C:\Users\me") == "C:/Users"
    assert paths.normpath(r".\dist\..\app") == "app"
    assert paths.relpath(r"C:\a\b", r"C:\a\c") == "../b"
    assert paths.sep == "/"


def test_no_relative_path_leads_to_another_drive() -> None:
    assert paths.relpath(r"D:\x\y", r"C:\x") == "D:/x/y"


def test_the_rest_is_windows_own() -> None:
    assert paths.splitext is ntpath.splitext
    assert paths.basename is ntpath.basename
    with pytest.raises(AttributeError):
        _ = paths.no_such_function


@pytest.mark.parametrize(("path", "below"), [("C:/Users/me", "C/Users/me"), ("//server/share/x", "server/share/x")])
def test_an_absolute_path_lies_in_a_folder_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, path: str, below: str
) -> None:
    assert (machine.rootless("/home/me"), machine.rooted("home/me")) == ("home/me", "/home/me")
    monkeypatch.setattr(machine, "HAS_DRIVES", True)
    monkeypatch.setattr(machine, "os", windows)
    assert machine.rootless(path) == below
    assert machine.rooted(below) == path


def test_a_path_is_shown_as_cmd_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.path_shown("/home/me") == "/home/me"
    monkeypatch.setattr(machine, "HAS_DRIVES", True)
    assert machine.path_shown("C:/Users/me") == r"C:\Users\me"


def test_a_file_is_changed_when_its_contents_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows' `st_ctime` is when the file was made."""
    (tmp_path / "file").touch()
    os.utime(tmp_path / "file", (4_000_000_000, 4_000_000_000))
    facts = os.stat(tmp_path / "file")
    assert machine.changed_at(facts) == facts.st_ctime_ns
    monkeypatch.setattr(machine, "HAS_DRIVES", True)
    assert machine.changed_at(facts) == 4_000_000_000 * 10**9
