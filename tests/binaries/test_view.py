"""The view of a patched file reads as the file would."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from bundler.binaries.patch import Literal, Patch, Piece, Range, Zeros
from bundler.binaries.view import open_patched

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
    view = open_patched(io.BytesIO(SOURCE), patch)
    assert view.read() == whole
    assert view.seek(0, io.SEEK_END) == len(whole)
    for offset, length in parts:
        view.seek(offset)
        assert view.read(length) == whole[offset : offset + length]
