"""The hiding places hide: without that, every test of a bundle could pass on the original."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.material.interpreters import main_python
from tests.material.isolation import hidden, in_root
from tests.material.snapshots import snapshot


def test_what_is_hidden_is_gone_for_the_command_and_there_for_us(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place/file").write_text("x")
    done = hidden([tmp_path / "place"], ["sh", "-c", f"ls -A {tmp_path}/place; ls {tmp_path}"])
    assert (done.returncode, done.stdout) == (0, "place\n")
    assert (tmp_path / "place/file").exists()


def test_a_place_that_cannot_be_hidden_stops_the_command(tmp_path: Path) -> None:
    done = hidden([tmp_path / "lost"], ["echo", "ran"])
    assert (done.returncode, done.stdout) == (99, "")


def test_the_python_of_the_tests_does_not_start_where_it_is_hidden() -> None:
    python = main_python()
    assert hidden(python.places, [python.executable, "-c", "import json"]).returncode != 0
    assert hidden([], [python.executable, "-c", "import json"]).returncode == 0


def test_the_variables_of_this_process_do_not_reach_the_command() -> None:
    os.environ["LEAKED_BY_A_TEST"] = "1"
    try:
        assert "LEAKED_BY_A_TEST" not in hidden([], ["env"]).stdout
    finally:
        del os.environ["LEAKED_BY_A_TEST"]


def test_a_bare_root_has_a_shell_and_proc_and_no_python(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("seen\n")
    script = "echo started; [ -e /proc/self/exe ] && echo proc; command -v python3 env cat; ls / 2>/dev/null; echo end"
    done = in_root(root, tmp_path, ["/bin/sh", "-c", script])
    assert done.stdout.split() == ["started", "proc", "end"], done.stderr
    libraries = {path.name.split(".so")[0] for path in root.rglob("*.so*")}
    assert libraries >= {"libc", "libm"}
    assert libraries & {"libz", "libssl", "libcrypt", "libstdc++", "libgcc_s"} == set()


def test_a_snapshot_sees_each_kind_of_change(tmp_path: Path) -> None:
    def tree(name: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_text("text")
        (folder / "link").symlink_to("file")
        return folder

    changes: dict[str, Callable[[Path], object]] = {
        "content": lambda folder: (folder / "file").write_text("tex_"),
        "mode": lambda folder: (folder / "file").chmod(0o600),
        "time": lambda folder: os.utime(folder / "file", ns=(0, 1)),
        "target": lambda folder: os.replace(shutil.copyfile(folder / "file", folder / "aside"), folder / "link"),
        "links": lambda folder: os.link(folder / "file", tmp_path / "second"),
        "new": lambda folder: (folder / "new").write_text(""),
        "gone": lambda folder: (folder / "file").unlink(),
        "rewritten": lambda folder: shutil.copy(shutil.copy2(folder / "file", tmp_path / "aside"), folder / "file"),
    }
    for name, change in changes.items():
        folder = tree(name)
        before = snapshot(folder)
        assert snapshot(folder) == before
        change(folder)
        assert snapshot(folder) != before, name
