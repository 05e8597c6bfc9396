"""A bundle's programs may be run by another program of this machine: Wine, an emulator."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bundler.audit.alone import runner_of
from bundler.audit.observation import Batch, Observation
from bundler.audit.observing import Subject, observe
from bundler.audit.starting import start_once
from bundler.errors import BadOption

TELLS = "def mapped_libraries():\n    return {'Z:/there/lib.dll'}\n"


def here(path: str) -> str:
    return path.removeprefix("Z:")


def runner(folder: Path, script: str) -> tuple[str, ...]:
    """A runner that is a script of a shell; `"$@"` in it runs the program."""
    path = folder / "runner"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return (str(path), "--quietly")


def seen(words: tuple[str, ...], *modules: str) -> Observation:
    subject = Subject(sys.executable, TELLS, {"PATH": "/usr/bin:/bin"}, runner=words, path_here=here)
    (observation,) = observe(subject, [Batch("all", modules)])
    return observation


def test_a_runner_is_given_the_program_and_what_it_says_does_not_disturb(tmp_path: Path) -> None:
    loud = 'shift; printf "this runner talks, and ends no line: " >&2; "$@"; status=$?; echo "bye" >&2; exit $status'
    observation = seen(runner(tmp_path, loud), "json", "nowhere_at_all")
    assert list(observation.failed) == ["nowhere_at_all"]
    assert "json" in observation.modules


def test_what_a_module_says_without_a_line_end_does_not_hide_that_it_was_imported(tmp_path: Path) -> None:
    (tmp_path / "talks.py").write_text("import os\nos.write(2, b'no line end')\n")
    words = runner(tmp_path, f'shift; PYTHONPATH={tmp_path} exec "$@"')
    assert seen(words, "talks").failed == {}


def test_paths_are_told_as_this_machine_has_them(tmp_path: Path) -> None:
    assert seen(runner(tmp_path, 'shift; exec "$@"'), "json").libraries == frozenset({"/there/lib.dll"})


def test_what_a_runner_never_began_was_not_imported(tmp_path: Path) -> None:
    observation = seen(runner(tmp_path, "echo no license >&2; exit 5"), "json", "csv")
    ending = "the process ended with status 5: no license"
    assert observation.failed == {"json": ending, "csv": ending}


def test_a_runner_keeps_its_own_files_in_the_user_s_home(tmp_path: Path) -> None:
    subject = Subject(sys.executable, TELLS, {"HOME": "/home/me"}, runner=runner(tmp_path, 'echo "$HOME" >&2; exit 1'))
    assert start_once(subject).said == ("/home/me",)


def test_words_are_read_as_a_shell_reads_them(tmp_path: Path) -> None:
    path = runner(tmp_path, "")[0]
    assert runner_of(f"'{path}' -L '/a root'") == (path, "-L", "/a root")
    assert runner_of("") == ()


@pytest.mark.parametrize("command", ["'", "bundler-has-no-such-program -x"])
def test_a_runner_that_cannot_be_is_wrong_usage(command: str) -> None:
    with pytest.raises(BadOption, match="--runner"):
        runner_of(command)
