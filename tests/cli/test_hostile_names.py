"""Names of files are shown as text: none steers the terminal, and none looks like a line of bundler's own."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bundler.cli.output import say_error
from bundler.errors import BundlerError, Problems
from bundler.printable import printable
from tests.material.environments import bundler


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("lib/é/\N{SNOWMAN} x.py", "lib/é/\N{SNOWMAN} x.py"),
        ("\x1b[2Jx\x07", "\\x1b[2Jx\\x07"),
        ("a\nfault: b\r\n", "a\\nfault: b\\r\\n"),
        ("\x9b31m\x7f", "\\x9b31m\\x7f"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        (os.fsdecode(b"\xff"), "\\udcff"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_what_would_steer_a_terminal_is_an_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_an_error_of_several_lines_keeps_them_and_a_name_in_it_makes_none(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(Problems([BundlerError("one\x1b[0m", "do this"), BundlerError("two")]))
    say_error(BundlerError("the build says:\nTraceback\nhint: x", "do that"))
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 problems:", "  one\\x1b[0m", "    do this", "  two",
        "error: the build says:", "    Traceback", "    hint: x", "hint: do that",
    ]  # fmt: skip


def test_verify_and_inspect_of_a_bundle_with_such_names_print_none_of_them_raw(tmp_path: Path) -> None:
    name = "x\x1b]0;title\x07\nfault: made up"
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / name).write_text("x")
    told = {
        "bundler": "1",
        "schema": 1,
        "python": {"executable": "bin/python3"},
        "warnings": [name],
        "files": {f"../{name}": {}},
    }
    (tmp_path / "bundle/bundle.json").write_text(json.dumps(told))
    for command in (["verify", "-v"], ["inspect"]):
        done = bundler([*command, tmp_path / "bundle"])
        assert done.returncode in (0, 3), done.stderr
        said = done.stdout + done.stderr
        assert "made up" in said
        assert not set(said) & set("\x1b\x07")
        assert "\nfault: made up" not in said


def test_inspect_refuses_a_manifest_for_a_system_that_is_not_known(tmp_path: Path) -> None:
    told = {"bundler": "1", "schema": 1, "platform": {"system": "plan9", "libc": "none"}}
    (tmp_path / "bundle.json").write_text(json.dumps(told))
    done = bundler(["inspect", tmp_path])
    assert done.returncode == 1
    assert "the bundle is for plan9, of which this version knows nothing" in done.stderr
    told["platform"] = {"system": "linux", "libc": "none"}
    (tmp_path / "bundle.json").write_text(json.dumps(told))
    assert bundler(["inspect", tmp_path]).returncode == 0
