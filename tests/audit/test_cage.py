"""In a cage the source is out of reach, and nothing of that shows outside."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bundler.audit.cage import Cage, cage_of, cages_are_allowed


@pytest.fixture
def places(tmp_path: Path) -> Path:
    if not cages_are_allowed():
        pytest.skip("no mount namespaces here: run as root, or allow user namespaces")
    for name in ("hidden/inner", "kept", "home"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text("content")
    (tmp_path / "library.so").write_text("content")
    return tmp_path


def run(cage: Cage, home: Path, script: str) -> str:
    cage.prepare(str(home))
    done = subprocess.run([*cage.command, "/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_folders_and_files_are_empty_inside_and_untouched_outside(places: Path) -> None:
    cage = cage_of([str(places / "hidden"), str(places / "library.so")], [str(places / "kept")])
    script = f"ls {places}/hidden; cat {places}/library.so {places}/kept/file"
    assert run(cage, places / "home", script) == "content"
    assert (places / "hidden/inner/file").read_text() == "content"
    assert (places / "library.so").read_text() == "content"


def test_what_lies_around_something_that_is_needed_is_not_hidden(places: Path) -> None:
    cage = cage_of([str(places), str(places / "hidden")], [str(places / "kept")])
    assert cage.hidden == (str(places / "hidden"),)


def test_a_place_in_another_one_is_hidden_with_it(places: Path) -> None:
    cage = cage_of([str(places / "hidden/inner"), str(places / "hidden"), "/nowhere/at/all"], [])
    assert cage.hidden == (str(places / "hidden"),)


def test_there_is_no_network_inside(places: Path) -> None:
    cage = cage_of([str(places / "hidden")], [])
    assert not cage.network
    shown = run(cage, places / "home", "cat /proc/net/dev")
    assert [line.split(":")[0].strip() for line in shown.splitlines()[2:]] == ["lo"]


def test_with_nothing_to_hide_it_is_open() -> None:
    assert cage_of([], []) == Cage()
    assert Cage().command == ()


def test_where_the_kernel_allows_none_it_is_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bundler.audit.cage.cages_are_allowed", lambda: False)
    assert cage_of([str(tmp_path)], []) == Cage()
    assert os.path.isdir(tmp_path)
