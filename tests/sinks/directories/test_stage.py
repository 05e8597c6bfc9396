"""The folder in which an archive's content is run before it is written."""

from __future__ import annotations

import os
from pathlib import Path

from bundler.entries import Directory, Entry, Layer, Literal
from bundler.sinks.directories.stage import Stage


def test_a_second_attempt_finds_nothing_of_what_the_first_one_changed(tmp_path: Path) -> None:
    layer = next(iter(Layer))
    entries = [Entry("m", Directory(), 0o755, 0, layer, "bundler")]
    entries += [Entry(f"m/{name}", Literal(b"one"), 0o644, 0, layer, "bundler") for name in ("changed", "gone", "same")]
    with Stage(str(tmp_path / "out.tar"), threads=1) as stage:
        folder = Path(stage.write(entries)) / "m"
        (folder / "made").write_text("")
        (folder / "changed").write_text("two")
        (folder / "gone").unlink()
        stage.write(entries)
        assert sorted(os.listdir(folder)) == ["changed", "gone", "same"]
        assert (folder / "changed").read_text() == "one"
    assert os.listdir(tmp_path) == []
