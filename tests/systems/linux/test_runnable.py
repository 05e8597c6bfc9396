"""Whether a Python can be run here: to see that, it is started, and leaves nothing."""

from __future__ import annotations

from pathlib import Path

from bundler.binaries.elf import read_image
from bundler.systems.linux.runnable import why_not_run
from tests.material.snapshots import snapshot
from tests.material.tiny import tiny_base


def test_it_writes_nothing_into_the_python(tmp_path: Path) -> None:
    python = tiny_base(tmp_path / "base")
    before = snapshot(tmp_path / "base")
    with open(python, "rb") as file:
        assert why_not_run(read_image(file), str(python)) is None
    assert snapshot(tmp_path / "base") == before
