"""What only POSIX has in Python does on Windows what it does elsewhere. (Under Wine: tests/bundles/test_on_windows.py.)"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bundler.machine import windows


@pytest.mark.parametrize(
    "data", [b"plain", b"\xff\xfe not UTF-8", "größe".encode(), "\ud83d".encode("utf-8", "surrogatepass")]
)
def test_bytes_of_a_name_come_back_whatever_they_are(data: bytes) -> None:
    text = windows.fsdecode(data)
    assert windows.fsencode(text) == data
    assert windows.fsdecode(text) is text


def test_halves_of_pairs_in_file_names_are_kept() -> None:
    assert windows.fsencode("a\ud83d") == "a\ud83d".encode("utf-8", "surrogatepass")


def test_reading_and_writing_at_a_place_leave_the_position(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w+b", buffering=0) as file:
        file.write(b"0123456789")
        file.seek(3)
        assert windows.pread(file.fileno(), 4, 5) == b"5678"
        assert windows.pwrite(file.fileno(), b"ab", 1) == 2
        assert file.tell() == 3
        buffer = memoryview(bytearray(4))
        assert windows.readv(file.fileno(), [buffer]) == 4
        assert bytes(buffer) == b"3456"
        assert file.tell() == 7
        with pytest.raises(OSError):
            windows.pread(file.fileno(), 1, -1)
        assert file.tell() == 7
    assert (tmp_path / "file").read_bytes() == b"0ab3456789"


def test_what_is_listed_has_the_facts_of_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "folder").mkdir()
    with windows.scandir(str(tmp_path)) as items:
        found = {item.name: item for item in items}
    assert found["file"].stat() == os.stat(tmp_path / "file")
    assert found["file"].path == os.fspath(found["file"]) == str(tmp_path / "file")
    assert [found["folder"].is_dir(), found["folder"].is_file(), found["file"].is_symlink()] == [True, False, False]
    assert [folder for folder, _, _ in windows.walk(str(tmp_path))] == [str(tmp_path), str(tmp_path / "folder")]


def test_a_file_is_no_folder_whatever_windows_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert windows.listdir(str(tmp_path)) == ["file"]

    def refuse(folder: str) -> None:
        raise OSError(22, "Invalid name", folder)

    monkeypatch.setattr(os, "listdir", refuse)  # Wine 8
    with pytest.raises(NotADirectoryError):
        windows.listdir(str(tmp_path / "file"))
    with pytest.raises(OSError, match="Invalid name"):
        windows.listdir(str(tmp_path))


def test_no_file_becomes_read_only_and_one_that_is_goes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    windows.chmod(str(file), 0o444)
    assert file.stat().st_mode & stat.S_IWRITE
    file.chmod(0o400)
    windows.chmod(str(file), 0o644)
    assert file.stat().st_mode & stat.S_IWRITE
    with pytest.raises(FileNotFoundError):
        windows.chmod(str(tmp_path / "none"), 0o444)


def test_an_empty_folder_is_replaced_by_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/file").touch()
    (tmp_path / "old").mkdir()

    def refuse(source: str, target: str) -> None:
        raise PermissionError(13, "Access is denied", target)

    usual = os.rename

    def rename(source: str, target: str) -> None:
        if os.path.exists(target):
            refuse(source, target)
        usual(source, target)

    monkeypatch.setattr(os, "replace", refuse)  # as Windows does
    monkeypatch.setattr(os, "rename", rename)
    windows.rename(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old/file").exists()
    (tmp_path / "new").mkdir()
    with pytest.raises(OSError):
        windows.rename(str(tmp_path / "new"), str(tmp_path / "old"))
    assert (tmp_path / "old/file").exists()


def test_a_link_leads_where_it_should(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    windows.symlink("folder", str(tmp_path / "link"))
    assert (tmp_path / "link").resolve() == tmp_path / "folder"
    before = os.lstat(tmp_path / "link").st_mtime_ns
    windows.utime(str(tmp_path / "link"), ns=(0, 0), follow_symlinks=False)
    assert os.lstat(tmp_path / "link").st_mtime_ns == before
    assert os.stat(tmp_path / "folder").st_mtime_ns > 0
    windows.utime(str(tmp_path / "folder"), ns=(0, 10**9))
    assert os.stat(tmp_path / "folder").st_mtime_ns == 10**9


def test_all_that_is_not_different_is_pythons_own() -> None:
    assert windows.stat is os.stat
    assert windows.path.join("C:\\a", "b") == "C:/a/b"
    assert [windows.geteuid(), windows.getegid()] == [0, 0]
    with pytest.raises(AttributeError):
        _ = windows.copy_no_such_range
