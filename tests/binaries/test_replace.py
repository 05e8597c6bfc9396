"""What lands on disk is what the patch says, however its pieces lie."""

from __future__ import annotations

import errno
import os
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.binaries.patch import Computed, Literal, Patch, Piece, Range, Zeros, join
from bundler.binaries.replace import open_source, patch_in_place, write_new
from bundler.errors import OutputFailed

SIZE = (9 << 20) + 4321


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "file"
    path.write_bytes(random.Random(4).randbytes(SIZE))
    return path


@pytest.mark.parametrize("start", [0, 1, 4096, (2 << 20) - 1, 2 << 20, (4 << 20) + 17])
@pytest.mark.parametrize("shift", [0, 7, 4096, 5000])
def test_a_long_range_is_copied_to_any_place(large: Path, tmp_path: Path, start: int, shift: int) -> None:
    patch = join([Literal(b"x" * shift), Range(start, SIZE - start - 5), Zeros(9)])
    with open_source(str(large)) as source:
        write_new(source, patch, str(tmp_path / "new"))
        assert (tmp_path / "new").read_bytes() == b"".join(patch.read(source))


def test_a_file_that_is_moved_up_in_place_is_the_same(large: Path, tmp_path: Path) -> None:
    data = large.read_bytes()
    path = tmp_path / "file"
    path.write_bytes(data)
    patch_in_place(str(path), Patch((Range(0, 100), Literal(b"new"), Zeros(3000), Range(100, SIZE - 100))))
    assert path.read_bytes() == data[:100] + b"new" + bytes(3000) + data[100:]


@pytest.mark.parametrize("shift", [0, 7])
def test_a_source_that_ends_early_leaves_nothing(large: Path, tmp_path: Path, shift: int) -> None:
    patch = join([Literal(b"x" * shift), Range(0, SIZE + (4 << 20))])
    with open_source(str(large)) as source, pytest.raises(EOFError, match="the source ends"):
        write_new(source, patch, str(tmp_path / "new"))
    assert not os.listdir(tmp_path)


@pytest.fixture
def little_room() -> Iterator[int]:
    """The size of the largest file that can be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, hard))
    yield SIZE
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "pieces", [(Literal(b"x"),), (Computed(1, lambda file: file.read(1)),)], ids=["plain", "computed"]
)
def test_a_file_that_is_cut_off_while_it_is_written_is_an_error(
    large: Path, tmp_path: Path, little_room: int, pieces: tuple[Piece, ...]
) -> None:
    patch = Patch((*pieces, Range(0, SIZE)))
    assert patch.size == little_room + 1
    with open_source(str(large)) as source, pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        write_new(source, patch, str(tmp_path / "new"))
    assert not os.listdir(tmp_path)


@pytest.fixture
def with_attribute(tmp_path: Path) -> Path:
    """A file with an extended attribute."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    try:
        os.setxattr(path, "user.bundler.test", b"kept")
    except OSError as error:
        pytest.skip(f"the file system of {tmp_path} has no extended attributes ({error.strerror}); set TMPDIR")
    return path


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSPC, errno.EIO])
def test_a_file_whose_attributes_cannot_be_kept_stays(
    with_attribute: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "setxattr", refuse)
    with open_source(str(with_attribute)) as source, pytest.raises(OutputFailed, match=r"user\.bundler\.test"):
        write_new(source, Patch((Literal(b"new"),)), str(with_attribute))
    assert with_attribute.read_bytes() == b"content"
    assert os.listdir(with_attribute.parent) == [with_attribute.name]


def test_attributes_that_cannot_be_read_are_an_error_and_a_file_system_without_them_is_none(
    with_attribute: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(code: int) -> None:
        def listxattr(*_: object) -> list[str]:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "listxattr", listxattr)

    new = Patch((Literal(b"new"),))
    with open_source(str(with_attribute)) as source:
        refuse(errno.EIO)
        with pytest.raises(OutputFailed, match="cannot be read"):
            write_new(source, new, str(with_attribute))
        assert with_attribute.read_bytes() == b"content"
        refuse(errno.EOPNOTSUPP)
        write_new(source, new, str(with_attribute))
    assert with_attribute.read_bytes() == b"new"
