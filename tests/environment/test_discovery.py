"""What is no environment, or not one that can be packed, is told with the file and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.environment import EnvironmentKind, find_environment, load_environment
from bundler.errors import (
    BaseInterpreterMissing,
    BundlerError,
    InterpreterFailed,
    NotAnEnvironment,
    UnsupportedEnvironment,
)


def venv(path: Path, config: str = "home = /nowhere/bin\n", python: str | None = None) -> Path:
    (path / "bin").mkdir(parents=True)
    (path / "pyvenv.cfg").write_text(config)
    (path / "bin/python").symlink_to(python or sys.executable)
    return path


def refused(kind: type[BundlerError], path: Path, *words: str) -> None:
    with pytest.raises(kind) as caught:
        load_environment(str(path))
    said = f"{caught.value.message} {caught.value.hint}"
    assert [word for word in words if word not in said] == [], said


def test_a_folder_that_is_not_there_or_holds_no_python(tmp_path: Path) -> None:
    refused(NotAnEnvironment, tmp_path / "lost", "does not exist")
    refused(NotAnEnvironment, tmp_path, "bin/python", "pyvenv.cfg")
    (tmp_path / "file").write_text("")
    refused(NotAnEnvironment, tmp_path / "file", "not a folder")


def test_a_dangling_python_names_its_target_and_what_to_do(tmp_path: Path) -> None:
    path = venv(tmp_path / "v", python="python3")
    (path / "bin/python3").symlink_to("/usr/local/gone/python3.12")
    refused(BaseInterpreterMissing, path, "bin/python", "/usr/local/gone/python3.12", "home = /nowhere/bin", "stage")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"#!/bin/sh\nexec python3\n", ["script"]),
        (b"\x7fELF\x02\x01\x01" + bytes(11) + b"\xb7", ["damaged", "truncated"]),
        (b"MZ" + bytes(60), ["not an ELF"]),
    ],
)
def test_an_interpreter_of_another_kind_is_not_run(tmp_path: Path, head: bytes, words: list[str]) -> None:
    path = venv(tmp_path / "v")
    (path / "bin/python").unlink()
    (path / "bin/python").write_bytes(head)
    (path / "bin/python").chmod(0o755)
    refused(UnsupportedEnvironment, path, "bin/python", *words)


def test_conda_and_the_system_s_own_prefix_are_named(tmp_path: Path) -> None:
    (tmp_path / "c/conda-meta").mkdir(parents=True)
    refused(UnsupportedEnvironment, tmp_path / "c", "conda")
    if os.path.exists("/usr/bin/python3"):
        refused(UnsupportedEnvironment, Path("/usr"), "virtual environment")


def test_another_implementation_is_named(tmp_path: Path) -> None:
    path = venv(tmp_path / "v")
    shell = tmp_path / "pypy.c"
    shell.write_text('#include <stdio.h>\nint main(void) { puts("{\\"implementation\\": \\"pypy\\"}"); return 0; }\n')
    (path / "bin/python").unlink()
    try:
        subprocess.run(["gcc", "-o", path / "bin/python", shell], check=True)
    except OSError:
        pytest.skip("no gcc")
    refused(UnsupportedEnvironment, path, "pypy")


def test_an_interpreter_that_does_not_start_says_what_it_said(tmp_path: Path) -> None:
    path = venv(tmp_path / "v")
    (path / "bin/python").unlink()
    (path / "bin/python").symlink_to("/bin/false")
    refused(InterpreterFailed, path, "bin/python", "status 1")


def test_the_kind_follows_from_the_configuration(tmp_path: Path) -> None:
    assert find_environment(str(venv(tmp_path / "v"))).kind is EnvironmentKind.VENV
    assert find_environment(str(venv(tmp_path / "i", "version = 3.12.0\n"))).kind is EnvironmentKind.INSTALLATION
