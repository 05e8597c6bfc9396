"""`bundler patch` on PE files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.binaries.pe.shapes import fixture, image_of, signed, without_slack

LONG = "inner-0123456789abcdef0123456789abcdef.dll"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "which.dll"
    path.write_bytes(fixture("which.dll"))
    return path


def patch(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bundler", "patch", *words], capture_output=True, text=True, check=False
    )


def test_names_are_printed(library: Path) -> None:
    done = patch("--print-needed", "--print-soname", library)
    assert (done.returncode, done.stdout) == (0, "inner.dll\nwhich.dll\n")
    program = library.with_name("program.exe")
    program.write_bytes(fixture())
    done = patch("--print-needed", "--json", program)
    assert json.loads(done.stdout)["files"][0]["needed"] == ["which.dll", "kernel32.dll", "extra.dll"]
    assert patch("--print-interpreter", program).returncode == 1


def test_a_dll_is_renamed_once_and_the_lost_signature_is_told(library: Path) -> None:
    library.write_bytes(signed(without_slack(fixture("which.dll"))))
    done = patch("--replace-needed", "INNER.dll", LONG, library)
    assert done.returncode == 0
    assert "new section: inner.dll became" in done.stderr
    assert "1 forwarded export renamed" in done.stderr
    assert "its signature (72 bytes) was removed" in done.stderr
    assert image_of(library.read_bytes()).needed == (LONG,)
    inode = library.stat().st_ino
    assert "nothing to change" in patch("--replace-needed", "inner.dll", LONG, library).stderr
    assert library.stat().st_ino == inode


@pytest.mark.parametrize(
    "words",
    [
        ("--set-rpath", "x"),
        ("--remove-rpath",),
        ("--set-interpreter", "x"),
        ("--set-soname", "x.dll"),
        ("--add-needed", "x.dll"),
        ("--change", "inner.dll", "x.dll"),
        ("--overwrite", "--replace-needed", "inner.dll", "x.dll"),
    ],
    ids=lambda words: words[0],
)
def test_what_pe_does_not_have_is_refused_by_name(library: Path, words: tuple[str, ...]) -> None:
    before = library.read_bytes()
    done = patch(*words, library)
    assert done.returncode == 1
    if words[0] == "--overwrite":
        assert "checksum" in done.stderr
    else:
        assert f"{words[0]}: no such thing in a file of the format PE" in done.stderr
    assert library.read_bytes() == before
