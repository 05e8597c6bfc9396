"""The view of a patched file reads as the file would."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.binaries.patch import Computed, Literal, Patch, Piece, Range, Zeros

SOURCE = bytes(range(256)) * 4
PIECES: st.SearchStrategy[list[Piece]] = st.lists(
    st.one_of(
        st.builds(Range, st.integers(0, 500), st.integers(1, 500)),
        st.builds(Literal, st.binary(min_size=1, max_size=50)),
        st.builds(Zeros, st.integers(1, 5000)),
    ),
    max_size=6,
)


@given(PIECES, st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 6000)), max_size=5))
def test_any_part_reads_as_in_the_file(pieces: list[Piece], parts: list[tuple[int, int]]) -> None:
    patch = Patch(tuple(pieces))
    whole = b"".join(patch.read(io.BytesIO(SOURCE)))
    view = patch.open(io.BytesIO(SOURCE))
    assert view.read() == whole
    assert view.seek(0, io.SEEK_END) == len(whole)
    for offset, length in parts:
        view.seek(offset)
        assert view.read(length) == whole[offset : offset + length]


def checksum(file: BinaryIO) -> bytes:
    return hashlib.sha256(file.read()).digest()


def test_a_computed_piece_sees_the_new_file_with_zeros_in_its_own_place() -> None:
    patch = Patch((Literal(b"new"), Computed(32, checksum), Range(10, 10), Computed(32, checksum)))
    blank = b"new" + bytes(32) + SOURCE[10:20] + bytes(32)
    expected = hashlib.sha256(blank).digest()
    whole = b"new" + expected + SOURCE[10:20] + expected
    assert b"".join(patch.read(io.BytesIO(SOURCE))) == whole
    view = patch.open(io.BytesIO(SOURCE))
    assert view.read() == whole
    view.seek(40)
    assert view.read(20) == whole[40:60]
    assert b"".join(patch.without_computed().read(io.BytesIO(SOURCE))) == blank


def test_a_computed_piece_must_have_the_length_it_promised() -> None:
    with pytest.raises(ValueError, match="31 bytes were to be computed, 32 came out"):
        list(Patch((Computed(31, checksum),)).read(io.BytesIO(SOURCE)))
