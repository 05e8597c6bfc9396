"""What lands on disk is what the patch says, however its pieces lie."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bundler.binaries.patch import Literal, Patch, Range, Zeros, join
from bundler.binaries.replace import open_source, overwrite, write_new

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
    overwrite(str(path), Patch((Range(0, 100), Literal(b"new"), Zeros(3000), Range(100, SIZE - 100))))
    assert path.read_bytes() == data[:100] + b"new" + bytes(3000) + data[100:]


@pytest.mark.parametrize("shift", [0, 7])
def test_a_source_that_ends_early_leaves_nothing(large: Path, tmp_path: Path, shift: int) -> None:
    patch = join([Literal(b"x" * shift), Range(0, SIZE + (4 << 20))])
    with open_source(str(large)) as source, pytest.raises(EOFError, match="the source ends"):
        write_new(source, patch, str(tmp_path / "new"))
    assert not os.listdir(tmp_path)
