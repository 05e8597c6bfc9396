"""A file that is replaced is the old one or the new one, and a range that is copied has its bytes, whoever copies them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from bundler.files import copy_in_kernel, copy_range, read_regular, replace, replacing

DATA = bytes(range(256)) * 40
REFUSALS = (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EIO)


class Interrupted(BaseException):
    """A signal, as the program knows it."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with old content."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    return file


def test_a_replaced_file_has_the_content_and_the_mode_and_is_another_file(path: Path) -> None:
    before = path.stat()
    replace(str(path), b"new", mode=0o640)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_ino != before.st_ino
    assert os.listdir(path.parent) == ["file"]


def test_a_file_that_was_not_there_is_made_readable_by_its_owner_alone(tmp_path: Path) -> None:
    replace(str(tmp_path / "new"), b"")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_a_replaced_file_can_belong_to_another(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    replace(str(path), b"new", owner=(1234, 4321), mode=0o4755)
    facts = path.stat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (1234, 4321, 0o4755)


@pytest.mark.parametrize("error", [OSError, Interrupted])
def test_what_fails_leaves_the_old_file_and_nothing_else(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), replacing(str(path)) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]


def test_a_signal_right_after_the_file_was_put_in_place_is_not_lost(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = os.replace

    def put_and_interrupt(one: str, other: str) -> None:
        put(one, other)
        raise Interrupted

    monkeypatch.setattr(os, "replace", put_and_interrupt)
    with pytest.raises(Interrupted):
        replace(str(path), b"new")
    assert path.read_bytes() == b"new"


def copied(tmp_path: Path, start: int, to: int, length: int) -> bytes:
    """What `copy_range` makes of a file of DATA and an empty one."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA)
    with source.open("rb") as reader, target.open("w+b") as writer:
        copy_range(reader.fileno(), start, writer.fileno(), to, length)
        assert (reader.tell(), writer.tell()) == (0, 0)
    return target.read_bytes()


def refuse_with(code: int, monkeypatch: pytest.MonkeyPatch, after: int = 0) -> None:
    """Let the kernel copy `after` times 100 bytes, and then refuse."""
    kernel, calls = os.copy_file_range, iter(range(1 << 20))

    def copy(source: int, target: int, count: int, *, offset_src: int, offset_dst: int) -> int:
        if next(calls) >= after:
            raise OSError(code, os.strerror(code))
        return kernel(source, target, min(count, 100), offset_src, offset_dst)

    monkeypatch.setattr(os, "copy_file_range", copy)


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("code", REFUSALS, ids=errno.errorcode.__getitem__)
def test_where_the_kernel_does_not_copy_the_bytes_go_through_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, after: int
) -> None:
    refuse_with(code, monkeypatch, after)
    assert copied(tmp_path, 50, 7, 5000) == bytes(7) + DATA[50:5050]


def test_a_file_system_that_copies_nothing_without_a_word_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "copy_file_range", lambda *_, **__: 0)
    assert copied(tmp_path, 0, 0, 5000) == DATA[:5000]


def test_a_system_without_the_call_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "copy_file_range")
    assert copied(tmp_path, 3, 0, 5000) == DATA[3:5003]


def test_a_full_disk_is_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_with(errno.ENOSPC, monkeypatch)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        copied(tmp_path, 0, 0, 5000)


def test_a_source_that_ends_early_is_told(tmp_path: Path) -> None:
    with pytest.raises(EOFError, match="100 bytes early"):
        copied(tmp_path, 0, 0, len(DATA) + 100)


def test_the_kernel_says_how_far_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_with(errno.EXDEV, monkeypatch, after=3)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(DATA)
    with source.open("rb") as reader, target.open("w+b") as writer:
        assert copy_in_kernel(reader.fileno(), 0, writer.fileno(), 0, 5000) == 300
    assert target.read_bytes() == DATA[:300]


def test_a_text_of_anybody_s_is_read_whole_and_nothing_else_is_waited_for(tmp_path: Path) -> None:
    """A pipe would be waited for, and a device read without an end."""
    (tmp_path / "text").write_bytes(DATA)
    (tmp_path / "link").symlink_to("text")
    assert read_regular(str(tmp_path / "link")) == DATA
    with pytest.raises(OSError, match=f"it has {len(DATA)} bytes, and 100 would be many"):
        read_regular(str(tmp_path / "text"), 100)
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(1 << 40)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for name, number in (("holes", errno.EFBIG), ("pipe", errno.EINVAL), ("zeros", errno.EINVAL), ("", errno.EISDIR)):
        with pytest.raises(OSError) as caught:
            read_regular(str(tmp_path / name))
        assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / name))
    with pytest.raises(OSError, match="no path has a NUL"):
        read_regular("a\0b")
    with pytest.raises(FileNotFoundError):
        read_regular(str(tmp_path / "none"))
