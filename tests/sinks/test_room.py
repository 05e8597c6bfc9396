"""A disk that is too small is told before anything is written, where that can be known; a full one with what is needed and free."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Literal, Source
from bundler.errors import NoRoom
from bundler.machine import disks
from bundler.machine.disks import Room, room_of, takes_what_is_written
from bundler.sinks import room
from bundler.sinks.archives import plain_tar
from bundler.sinks.archives.output import FileOutput
from bundler.sinks.directories import writer
from bundler.sinks.directories.directory import open_directory
from bundler.sinks.directories.stage import Stage
from bundler.sinks.room import check_room, no_room, shown
from tests.sinks.samples import FACTS, entry, open_sink

MIB = 1 << 20


def small_disk(
    monkeypatch: pytest.MonkeyPatch, size: int, files: int | None = None, *, compresses: bool = False
) -> None:
    monkeypatch.setattr(room, "room_of", lambda _: Room(size, files, 4096))
    monkeypatch.setattr(room, "takes_what_is_written", lambda _: not compresses)


def test_files_take_whole_blocks_and_the_smallest_perhaps_none(monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, 3 * 4096)
    check_room("/x", [1025, 4096, 4000, 0])
    with pytest.raises(NoRoom, match=r"^/x has too little space: 13 KiB are needed, and 12 KiB are free$"):
        check_room("/x", [1025, 4096, 4000, 1])
    with pytest.raises(NoRoom, match=r"4097 MiB are needed, and 12 KiB are free") as caught:
        check_room("/x", [4096 * MIB + 1])
    assert (caught.value.needed, caught.value.free) == (4096 * MIB + 4096, 3 * 4096)


def test_a_disk_can_be_out_of_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, MIB, 2)
    check_room("/x", [1, 1])
    with pytest.raises(NoRoom, match="3 files are needed, and there can be 2 more"):
        check_room("/x", [1, 1, 1])


def test_where_a_disk_compresses_or_tells_nothing_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, 1, compresses=True)
    check_room("/x", [MIB])
    monkeypatch.setattr(room, "room_of", lambda _: None)
    check_room("/x", [MIB])


def test_a_size_that_is_needed_is_never_shown_as_less() -> None:
    assert [shown(size) for size in (0, 1, 1024, 1025, MIB, MIB + 1)] == [
        "0 KiB",
        "1 KiB",
        "1 KiB",
        "2 KiB",
        "1 MiB",
        "2 MiB",
    ]


def test_a_full_disk_is_told_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, 5)
    full = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    assert no_room(full, "/x", MIB).message == "/x: Disk quota exceeded: 1 MiB are needed, and 0 KiB are free"
    assert no_room(full, "/x", 0).message == "/x: Disk quota exceeded: 0 KiB are free"
    monkeypatch.setattr(room, "room_of", lambda _: None)
    assert no_room(full, "/x", 0).message == "/x: Disk quota exceeded"


def test_a_directory_that_has_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, MIB)
    monkeypatch.setattr(writer, "write_file", None)
    with pytest.raises(NoRoom, match=f"{tmp_path} has too little space: 2 MiB"):
        with open_directory(str(tmp_path / "out"), force=False) as sink:
            sink.add(entry("file", Literal(bytes(2 * MIB))))
            sink.finish()
    assert os.listdir(tmp_path) == []


def test_a_stage_that_has_no_room_says_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, MIB)
    with pytest.raises(NoRoom, match="run there first") as caught, Stage(str(tmp_path / "out.tar"), threads=1) as stage:
        stage.write([entry("file", Literal(bytes(2 * MIB)))])
    assert "--no-verify" in caught.value.hint and os.listdir(tmp_path) == []


def test_a_plain_tar_that_has_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_disk(monkeypatch, MIB)
    monkeypatch.setattr(plain_tar, "TarStream", None)
    with pytest.raises(NoRoom, match=f"{tmp_path} has too little space: 2 MiB"):
        open_sink("tar", tmp_path / "a.tar", facts=replace(FACTS, size=2 * MIB))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["tar", "tar.gz", "zip"])
def test_an_archive_on_a_full_disk_says_where_and_how_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """/dev/full takes nothing."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    monkeypatch.setattr(FileOutput, "open", lambda self, *, executable=False: open("/dev/full", "r+b", buffering=0))
    with pytest.raises(NoRoom, match=rf"^{tmp_path}: No space left on device: 1 KiB are needed at most"):
        with open_sink(name, tmp_path / "a", facts=replace(FACTS, size=9)) as sink:
            sink.add(entry("file", Literal(b"x" * MIB)))
            sink.finish()
    assert os.listdir(tmp_path) == []


def test_an_archive_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(FileOutput, "open", lambda self, *, executable=False: Failing())
    with pytest.raises(OSError) as caught, open_sink("tar.gz", tmp_path / "a.tar.gz"):
        pass
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(tmp_path / "a.tar.gz"))


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data")

    def fail(_descriptor: int, _size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(OSError) as caught, open_directory(str(tmp_path / "out"), force=False) as sink:
        sink.add(entry("file", Source(str(source), 4)))
        sink.finish()
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(source))
    with pytest.raises(OSError) as caught, open_sink("tar.gz", tmp_path / "a.tar.gz") as archive:
        archive.add(entry("file", Source(str(source), 4)))
        archive.finish()
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(source))


def test_what_a_disk_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = room_of(str(tmp_path))
    assert found is not None and found.size >= 0 and found.block > 0
    assert room_of(str(tmp_path / "none")) is None
    assert takes_what_is_written(str(tmp_path / "none")) is False
    monkeypatch.setattr(disks, "_AS_WRITTEN", frozenset())
    assert takes_what_is_written(str(tmp_path)) is False
