"""`scripts/fuzz`: each place at which something goes wrong is kept once, and what was done is counted over all rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import fuzz
from tests.fuzzing import targets
from tests.fuzzing.target import Target


def faulty(data: bytes) -> None:
    if data.startswith(b"a"):
        raise KeyError(data)
    if data.startswith(b"b"):
        raise ValueError("refused")
    if data.startswith(b"c"):
        raise IndexError(data)


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fuzz, "_WORK", tmp_path)
    monkeypatch.setattr(targets, "TARGETS", (Target("faulty", faulty, (ValueError,)),))
    return tmp_path


def test_each_place_is_kept_once_with_its_input_and_what_was_raised(work: Path) -> None:
    for _ in range(2):
        watch = fuzz.Watch("faulty")
        for data in (b"", b"a1", b"a2", b"b1", b"c1"):
            watch.look(data)
        watch.tell()
    found = fuzz.found_of("faulty")
    assert sorted(path.read_bytes() for path in found) == [b"a1", b"c1"]
    told = "".join(path.with_suffix(".txt").read_text() for path in found)
    assert "KeyError at tests/fuzzing/test_script.py:" in told
    assert "IndexError at tests/fuzzing/test_script.py:" in told
    assert fuzz.read_tally("faulty").executions == 10
    assert "| faulty | 10 | 0.0 | 0 | 2 |" in fuzz.table(["faulty"])


def test_a_target_that_was_not_tried_has_nothing(work: Path) -> None:
    assert "| faulty | 0 | 0.0 | 0 | 0 |" in fuzz.table(["faulty"])
    assert fuzz.found_of("faulty") == []
