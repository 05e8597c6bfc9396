"""A file that is nearly all holes is told before it is read, and taken along where its user names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.entries import Entry, Layer, Source
from bundler.errors import BundlerError, Problems
from bundler.plan.extent import refuse_holes


def entry(path: Path, size: int, written: int = 0) -> Entry:
    with path.open("wb") as file:
        file.write(bytes(written))
        file.truncate(size)
    return Entry(path.name, Source(str(path), size), 0o644, 0, Layer.PACKAGES, f"env:{path.name}")


def test_a_large_file_of_holes_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    hollow = entry(tmp_path / "hollow", 1 << 40, 4096)
    with pytest.raises(BundlerError, match=r"^env:hollow has 1024 GiB, most of which are holes") as caught:
        refuse_holes({"hollow": hollow}, ())
    assert "--exclude '/hollow'" in caught.value.hint
    assert "--include '/hollow'" in caught.value.hint
    refuse_holes({"hollow": hollow}, ("*.txt", "!/hollow"))


def test_all_of_them_are_told_at_once(tmp_path: Path) -> None:
    entries = {name: entry(tmp_path / name, 9 << 30) for name in ("one", "other")}
    with pytest.raises(Problems) as caught:
        refuse_holes(entries, ("!/third",))
    assert "env:one" in str(caught.value)
    assert "env:other" in str(caught.value)


def test_a_small_file_may_have_holes_and_a_large_one_some(tmp_path: Path) -> None:
    refuse_holes({"small": entry(tmp_path / "small", 1 << 30)}, ())
    refuse_holes({}, ("!/hollow",))
