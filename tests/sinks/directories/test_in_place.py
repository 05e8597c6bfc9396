"""A swap of contents by many moves may be killed between any two of them: the next pack undoes it, or brings it to its end."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.sinks import steps
from bundler.sinks.directories.in_place import recover
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder

OLD = {"bin/python": "old", "lib/site/a.py": "old", "lib/site/deep/b.py": "old", "only_old": "old", "pyvenv.cfg": "old"}
NEW = {"bin/python": "new", "lib/site/a.py": "new", "lib/os.py": "new", "only_new/x": "new", "pyvenv.cfg": "new"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def read(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def moves_until(target: Path, inside: bool, last: int, lower: bool) -> bool:
    """In a process of its own, put NEW over OLD and be killed before the move number `last`; whether it was killed.

    `lower` makes the old directories such as cannot be renamed, as those in a lower layer of overlayfs.
    """
    old_folders = {str(target / name) for name in ("bin", "lib", "lib/site", "lib/site/deep")} if lower else set()
    child = os.fork()
    if child == 0:
        count = 0
        rename = os.rename

        def counted(source: str, target: str) -> None:
            nonlocal count
            if source in old_folders:
                raise OSError(errno.EXDEV, "lower")
            if count == last:
                os._exit(9)
            count += 1
            rename(source, target)

        def refused(one: str, other: str) -> bool:
            raise OSError(errno.EBUSY, "mount point", one, None, other)

        try:
            working = WorkingFolder(str(target if inside else target.parent), str(target))
            write(Path(working.path) / "new", NEW)
            steps.exchange = refused
            os.rename = counted  # type: ignore[assignment]
            Target(str(target), force=True).put_directory(f"{working.path}/new")
            os.rename = rename
            working.remove()
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status == 9


def every_kill(folder: Path, inside: bool, lower: bool) -> Iterator[dict[str, str]]:
    for last in range(1000):
        target = folder / f"{last}" / "env"
        write(target, OLD)
        killed = moves_until(target, inside, last, lower)
        recover(str(target))
        assert os.listdir(target.parent) == ["env"]
        yield read(target)
        if not killed:
            return


@pytest.mark.parametrize("lower", [False, True], ids=["a mount point", "a lower layer"])
@pytest.mark.parametrize("inside", [False, True], ids=["worked beside", "worked inside"])
def test_a_swap_that_is_killed_anywhere_ends_as_one_or_the_other(tmp_path: Path, inside: bool, lower: bool) -> None:
    found = list(every_kill(tmp_path, inside, lower))
    assert [state for state in found if state not in (OLD, NEW)] == []
    assert found[0] == OLD
    assert found[-1] == NEW
    assert len(found) > 6


def test_a_swap_that_fails_is_undone_and_leaves_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "env"
    write(target, OLD)
    working = WorkingFolder(str(tmp_path), str(target))
    write(Path(working.path) / "new", NEW)
    rename = os.rename

    def full(source: str, target: str) -> None:
        if source.endswith("new/pyvenv.cfg"):
            raise OSError(errno.ENOSPC, "full")
        rename(source, target)

    def refused(one: str, _other: str) -> bool:
        raise OSError(errno.EBUSY, "mount point", one)

    monkeypatch.setattr(steps, "exchange", refused)
    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="full"):
        Target(str(target), force=True).put_directory(f"{working.path}/new")
    monkeypatch.undo()
    assert read(target) == OLD
    working.leave()
    recover(str(target))
    assert read(target) == OLD
    assert os.listdir(tmp_path) == ["env"]
