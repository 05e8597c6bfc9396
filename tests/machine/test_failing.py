"""What a disk says that fails is no answer to whether something is there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bundler.files import opened
from bundler.machine.failing import exists, is_dir, is_file, unless_failing
from bundler.sysroot import HOST


def test_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "lost").symlink_to("nowhere")
    for name, found in (
        ("", (1, 1, 0)),
        ("file", (1, 0, 1)),
        ("link", (1, 0, 1)),
        ("lost", (0, 0, 0)),
        ("\0", (0, 0, 0)),
    ):
        path = str(tmp_path / name)
        assert (exists(path), is_dir(path), is_file(path)) == found, name
        assert (HOST.exists(path), HOST.is_dir(path), HOST.is_file(path)) == found, name


@pytest.mark.parametrize(("code", "fails"), [(errno.EIO, True), (errno.EMFILE, True), (errno.EACCES, False)])
def test_an_error_that_says_nothing_of_the_file_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, fails: bool
) -> None:
    def fail(path: str, *_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), path)

    path = str(tmp_path)
    monkeypatch.setattr(os, "stat", fail)
    for ask in (exists, is_dir, is_file, HOST.exists):
        if fails:
            with pytest.raises(OSError, match=os.strerror(code)):
                ask(path)
        else:
            assert not ask(path)
    monkeypatch.undo()
    monkeypatch.setattr(os, "listdir", fail)
    if fails:
        with pytest.raises(OSError, match=os.strerror(code)):
            HOST.names_in(path)
    else:
        assert HOST.names_in(path) == []


def test_an_error_gets_the_name_of_its_file() -> None:
    error = OSError(errno.EIO, "bad")
    with pytest.raises(OSError) as caught:
        unless_failing(error, "/some/file")
    assert caught.value.filename == "/some/file"
    unless_failing(ValueError("other"), "/some/file")
    with pytest.raises(OSError) as caught, opened(os.devnull) as file:
        assert file.read() == b""
        raise OSError(errno.EIO, "bad")
    assert caught.value.filename == os.devnull
