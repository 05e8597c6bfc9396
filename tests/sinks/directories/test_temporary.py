"""Working folders: what a killed pack left is brought to an end, or its folder is named; nobody's is taken from a living pack."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.errors import OutputFailed
from bundler.machine import locks
from bundler.machine.locks import FolderLock
from bundler.sinks import interrupted, steps, temporary
from bundler.sinks.moves import NotUndone
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder, clear_abandoned


def left(folder: Path, *, unfinished: bool) -> Path:
    """The working folder of a killed pack to `folder/out`; the unfinished one had begun to set things aside."""
    out = folder / "out"
    (out / "bin").mkdir(parents=True)
    working = folder / ".out.bundler-killed"
    (working / "new").mkdir(parents=True)
    if unfinished:
        (working / "aside").mkdir()
        (working / "aside/precious").write_text("years of work")
    return working


def clear(folder: Path) -> None:
    clear_abandoned(str(folder), str(folder / "out"))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def failing_rename(_source: str, target: str) -> None:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), target)


def test_what_was_set_aside_goes_back(tmp_path: Path) -> None:
    left(tmp_path, unfinished=True)
    clear(tmp_path)
    assert (tmp_path / "out/precious").read_text() == "years of work"
    assert os.listdir(tmp_path) == ["out"]


def test_what_cannot_be_put_back_is_told_and_its_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = left(tmp_path, unfinished=True)
    monkeypatch.setattr(steps, "rename", failing_rename)
    before = descriptors()
    for _ in range(2):
        with pytest.raises(OutputFailed, match="Permission denied") as caught:
            clear(tmp_path)
        assert str(working) in caught.value.message
    assert (working / "aside/precious").read_text() == "years of work"
    assert descriptors() == before
    monkeypatch.undo()
    clear(tmp_path)
    assert (tmp_path / "out/precious").exists(), "the lock was let go"


def test_a_folder_that_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = left(tmp_path, unfinished=False)

    def refuse(path: str) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(temporary, "remove_tree", refuse)
    with pytest.raises(OutputFailed, match="Read-only file system") as caught:
        clear(tmp_path)
    assert str(working) in caught.value.message


def test_a_pack_is_done_though_its_folder_cannot_be_removed_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), path)

    working = WorkingFolder(str(tmp_path), str(tmp_path / "out"))
    monkeypatch.setattr(temporary, "remove_tree", refuse)
    working.remove()
    assert os.path.isdir(working.path)
    monkeypatch.undo()
    clear(tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be_looked_through_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> list[str]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    clear(tmp_path / "missing")
    (tmp_path / "file").touch()
    clear(tmp_path / "file")
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(OutputFailed, match="cannot be looked through"):
        clear(tmp_path)


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_another_process_holds_is_passed_over(tmp_path: Path, unfinished: bool) -> None:
    working = left(tmp_path, unfinished=unfinished)
    held = os.open(working, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        before = descriptors()
        clear(tmp_path)
        assert descriptors() == before
    finally:
        os.close(held)
    assert (working / "new").exists()
    clear(tmp_path)
    assert not working.exists()


def no_locks(_descriptor: int, _operation: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_without_locks_a_pack_works_and_what_was_begun_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = left(tmp_path, unfinished=False)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    before = descriptors()
    clear(tmp_path)
    assert working.exists(), "nobody knows whether its pack lives"
    own = WorkingFolder(str(tmp_path), str(tmp_path / "out"))
    own.remove()
    assert not os.path.exists(own.path)
    (working / "aside").mkdir()
    with pytest.raises(OutputFailed, match="no locks to tell") as caught:
        clear(tmp_path)
    assert str(working) in caught.value.message
    assert descriptors() == before


def test_a_new_folder_that_somebody_takes_for_abandoned_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever clears may come between the folder and its lock, or between the lock and the first look."""
    lock = locks.locked
    others: list[int] = []

    def hold(path: str) -> None:
        others.append(os.open(path, os.O_RDONLY))
        fcntl.flock(others[0], fcntl.LOCK_EX)

    taken: list[Callable[[str], None]] = [os.rmdir, hold]

    def late(path: str) -> FolderLock | None:
        if taken:
            taken.pop()(path)
        return lock(path)

    monkeypatch.setattr(temporary, "locked", late)
    working = WorkingFolder(str(tmp_path), str(tmp_path / "out"))
    assert taken == []
    assert os.path.isdir(working.path)
    os.close(others[0])
    clear(tmp_path)
    assert os.listdir(tmp_path) == [os.path.basename(working.path)], "it is locked, the other one is not"
    working.remove()


def test_what_cannot_be_undone_stays_where_it_is_and_the_next_pack_puts_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    (out / "bin").mkdir(parents=True)
    (out / "bin/old").touch()
    working = WorkingFolder(str(tmp_path), str(out))
    new = Path(working.path) / "new"
    (new / "lib").mkdir(parents=True)
    rename = steps.rename
    left = 1

    def once(source: str, target: str) -> None:
        nonlocal left
        if left == 0 or source.startswith(str(new)):
            left = 0
            raise OSError(errno.EIO, os.strerror(errno.EIO), target)
        rename(source, target)

    def refused(one: str, other: str) -> bool:
        raise OSError(errno.EBUSY, "mount point", one, None, other)

    monkeypatch.setattr(steps, "exchange", refused)
    monkeypatch.setattr(steps, "rename", once)
    with pytest.raises(NotUndone, match="cannot be put back"):
        Target(str(out), force=True).put_directory(str(new))
    monkeypatch.undo()
    assert os.listdir(out) == []
    working.leave()
    clear(tmp_path)
    assert os.listdir(tmp_path) == ["out"]
    assert [str(path.relative_to(out)) for path in sorted(out.rglob("*"))] == ["bin", "bin/old"]


@pytest.mark.parametrize("who", ["the pack", "the next one"])
def test_remains_that_were_half_removed_are_never_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """The new contents were in place, and the mark that says so was removed first."""
    killed = left(tmp_path, unfinished=True)
    own = WorkingFolder(str(tmp_path), str(tmp_path / "out"))
    working = killed if who == "the next one" else killed.rename(Path(own.path) / "x").parent
    if who == "the pack":
        (working / "x/aside").rename(working / "aside")
    interrupted.begin_coming(str(working))

    def killed_amid(path: str) -> None:
        Path(path, "coming").unlink(missing_ok=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(temporary, "remove_tree", killed_amid)
    with pytest.raises(KeyboardInterrupt):
        clear(tmp_path) if who == "the next one" else own.remove()
    monkeypatch.undo()
    own.leave()
    clear(tmp_path)
    assert os.listdir(tmp_path / "out") == ["bin"]
    assert os.listdir(tmp_path) == ["out"]
