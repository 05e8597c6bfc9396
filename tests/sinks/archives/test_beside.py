"""A file beside an archive gets its place with it: at every moment the lines of the archive that is there are in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bundler.destination import ToFile
from bundler.entries import Literal
from bundler.errors import OutputExists
from bundler.formats import archive_named
from bundler.sinks.archives.archive import ArchiveSettings, ArchiveSink, open_archive
from tests.sinks.directories.stopping import Ended, How, every_step, run_until
from tests.sinks.samples import FACTS, entry


def open_signed(out: Path, *, force: bool = False) -> ArchiveSink:
    destination = ToFile(str(out), archive_named("tar"), force, signature=f"{out}.lines")
    return open_archive(destination, ArchiveSettings(FACTS, cache=False))


def make(out: Path, text: bytes, *, force: bool = False) -> None:
    """An archive with a text in it, and that text beside it."""
    with open_signed(out, force=force) as sink:
        sink.add(entry("text", Literal(text)))
        sink.finish()
        sink.accompany(text)
        sink.place()


def holds(out: Path) -> bool:
    """Whether the text in the archive stands beside it."""
    data = out.read_bytes()
    return any(line in data for line in Path(f"{out}.lines").read_bytes().splitlines(keepends=True))


def test_both_are_there_or_neither(tmp_path: Path) -> None:
    out = tmp_path / "a.tar"
    with open_signed(out) as sink:
        sink.add(entry("text", Literal(b"one\n")))
        sink.finish()
        sink.accompany(b"one\n")
    assert os.listdir(tmp_path) == []
    make(out, b"one\n")
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "a.tar.lines"]
    make(out, b"two\n", force=True)
    assert (tmp_path / "a.tar.lines").read_bytes() == b"two\n"
    assert sorted(os.listdir(tmp_path)) == ["a.tar", "a.tar.lines"]


def test_an_archive_that_cannot_be_placed_takes_its_file_back(tmp_path: Path) -> None:
    out = tmp_path / "a.tar"
    with open_signed(out) as sink, pytest.raises(OutputExists, match="was made by somebody else meanwhile"):
        sink.add(entry("text", Literal(b"one\n")))
        sink.finish()
        sink.accompany(b"one\n")
        out.write_text("another's")
        sink.place()
    assert os.listdir(tmp_path) == ["a.tar"]


def test_what_stood_beside_it_stands_there_again(tmp_path: Path) -> None:
    out = tmp_path / "a.tar"
    make(out, b"one\n")
    beside = Path(f"{out}.lines")
    os.utime(beside, (1, 1))
    with open_signed(out, force=True) as sink, pytest.raises(OutputExists, match="is a directory"):
        sink.add(entry("text", Literal(b"two\n")))
        sink.finish()
        sink.accompany(b"two\n")
        out.unlink()
        out.mkdir()
        sink.place()
    assert (beside.read_bytes(), beside.stat().st_mtime) == (b"one\n", 1)


@pytest.mark.parametrize("how", How, ids=lambda how: how.value)
def test_whenever_it_ends_the_file_holds_for_the_archive_that_is_there(tmp_path: Path, how: How) -> None:
    steps = 0
    for ends in every_step(how):
        folder = tmp_path / str(steps)
        folder.mkdir()
        out = folder / "a.tar"
        make(out, b"one\n")
        ended = run_until(lambda out=out: make(out, b"two\n", force=True), ends)  # type: ignore[misc]
        assert holds(out), ends
        if ended is Ended.DONE:
            break
        steps += 1
        make(out, b"three\n", force=True)
        assert (holds(out), sorted(os.listdir(folder))) == (True, ["a.tar", "a.tar.lines"]), ends
    assert steps == 3
