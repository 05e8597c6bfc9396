"""Files that are written while the plan is still being made: in the end all is as if none had been."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bundler.entries import Content, Directory, Entry, Layer, Link, Literal, Source
from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.sinks import Written
from bundler.sinks.copying import write_file
from bundler.sinks.directories import processes, writer
from bundler.sinks.directories.directory import open_directory
from tests.material.processes import children
from tests.material.snapshots import snapshot

TIME = 1_700_000_000_123_456_789


@pytest.fixture(autouse=True)
def forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child is begun for a handful of files, though the process that runs the tests has several threads."""
    monkeypatch.setattr(writer, "_LEAST_SHARE", 1)
    monkeypatch.setattr(writer, "_BATCH", 1)
    for module in (writer, processes):
        monkeypatch.setattr(module, "can_fork", lambda: True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}").write_bytes(b"%d" % number * 1000)
    (folder / "large").write_bytes(bytes(1_000_000))
    return folder


def entry(path: str, content: Content, mode: int = 0o644) -> Entry:
    return Entry(path, content, mode, TIME, Layer.RUNTIME, "env:")


def files(sources: Path) -> list[Entry]:
    """Files in two folders, for a start."""
    return [
        entry(f"{folder}/{path.name}", Source(str(path), path.stat().st_size))
        for folder in ("a", "b/c")
        for path in sorted(sources.iterdir())
    ]


def write(out: Path, begun: Sequence[Entry], entries: Sequence[Entry], link: LinkMode = LinkMode.COPY) -> Written:
    """Pack `entries` after a head start with those that were `begun`; it has all the time that it wants."""
    with open_directory(str(out), force=False, link=link, threads=2) as sink:
        sink.begin(begun)
        deadline = time.monotonic() + 30
        while sum(path.is_file() for path in out.parent.glob(f".{out.name}.*/new/**/*")) < len(begun):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for item in entries:
            sink.add(item)
        written = sink.finish()
        sink.place()
    return written


@pytest.mark.parametrize("link", [LinkMode.COPY, LinkMode.HARDLINK])
def test_the_plan_decides_what_stays(tmp_path: Path, sources: Path, link: LinkMode) -> None:
    begun = files(sources)
    wanted = {item.path: item for item in begun if item.path not in ("a/1", "a/large")}
    wanted["a/2"] = entry("a/2", Literal(b"rewritten"))
    wanted["a/3"] = wanted["a/3"]._replace(mode=0o755)
    wanted["a/4"] = entry("a/4", Link("3"), 0o777)
    wanted["a/5"] = entry("a/5", Directory(), 0o755)
    wanted["a/5/new"] = entry("a/5/new", Literal(b"new"))
    wanted = {path: item for path, item in wanted.items() if not path.startswith("b/")}
    wanted["b"] = entry("b", Literal(b"no folder any more"))
    entries = [entry("a", Directory(), 0o555), *(wanted[path] for path in sorted(wanted))]
    ahead = write(tmp_path / "ahead", begun, entries, link)
    plain = write(tmp_path / "plain", [], entries, link)
    assert (ahead.digests, ahead.shared, ahead.entries) == (plain.digests, plain.shared, plain.entries)
    assert shape(tmp_path / "ahead") == shape(tmp_path / "plain")
    assert ahead.digests["a/0"].sha256 == sha256(b"0" * 1000).digest()


def shape(root: Path) -> dict[str, object]:
    """Everything about a tree but the inodes' own facts."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        facts = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path.relative_to(root))] = (facts.st_mode, facts.st_mtime_ns, facts.st_nlink > 1, content)
    return found


def test_where_there_is_no_plan_nothing_is_left(tmp_path: Path, sources: Path) -> None:
    before = children()
    sink = open_directory(str(tmp_path / "out"), force=False, threads=2)
    with pytest.raises(OutputFailed, match="no plan"), sink:
        sink.begin(files(sources))
        raise OutputFailed("no plan")
    assert os.listdir(tmp_path) == ["sources"]
    assert children() == before


@pytest.mark.parametrize("place", ["fork", "lseek", "waitpid"])
def test_a_signal_at_any_time_ends_the_child(
    tmp_path: Path, sources: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = files(sources)
    before = children()
    original, parent = getattr(os, place), os.getpid()

    def interrupted(*arguments: int) -> object:
        """What the system does, and Control-C, once, right before it; right behind it where a child is born."""
        if os.getpid() != parent:
            return original(*arguments)
        monkeypatch.setattr(os, place, original)
        result = original() if place == "fork" else None
        if result != 0:
            signal.raise_signal(signal.SIGINT)
        return original(*arguments) if result is None else result

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.1)
        return write_file(*arguments)

    monkeypatch.setattr(writer, "write_file", slowly)
    monkeypatch.setattr(os, place, interrupted)
    sink = open_directory(str(tmp_path / "out"), force=False, threads=2)
    with pytest.raises(KeyboardInterrupt), sink:
        sink.begin(begun)
        for item in (entry("a", Directory(), 0o755), entry("b", Directory()), entry("b/c", Directory()), *begun):
            sink.add(item)
        sink.finish()
    assert os.listdir(tmp_path) == ["sources"]
    assert children() == before


def test_what_stops_the_child_is_raised_when_the_plan_is_there(tmp_path: Path, sources: Path) -> None:
    begun = files(sources)
    (sources / "3").write_bytes(b"shorter")
    sink = open_directory(str(tmp_path / "out"), force=False, threads=2)
    with pytest.raises(OutputFailed, match="3 changed while it was packed"), sink:
        sink.begin(begun)
        time.sleep(0.2)
        for item in (entry("a", Directory(), 0o755), entry("b", Directory()), entry("b/c", Directory()), *begun):
            sink.add(item)
        sink.finish()
    assert os.listdir(tmp_path) == ["sources"]


def test_one_process_begins_nothing(tmp_path: Path, sources: Path) -> None:
    before = snapshot(sources)
    with open_directory(str(tmp_path / "out"), force=False, threads=1) as sink:
        sink.begin(files(sources))
        (working,) = tmp_path.glob(".out.*")
        assert list((working / "new").iterdir()) == []
    assert snapshot(sources) == before
