"""Two files differ exactly where their bytes do, and neither is read at once."""

from __future__ import annotations

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.audit.readers.bytewise import CHUNK, not_zero, read_range, unequal
from bundler.audit.readers.ranges import union
from bundler.errors import BinaryFormatError


@given(st.binary(max_size=300), st.sets(st.integers(0, 299)), st.integers(0, 9), st.integers(0, 9))
def test_it_finds_each_byte_that_differs(data: bytes, places: set[int], low: int, shift: int) -> None:
    places = {place for place in places if low <= place < len(data)}
    other = bytes(byte ^ 1 if at in places else byte for at, byte in enumerate(data))
    end = max(low, len(data))
    found = list(unequal(io.BytesIO(data), (low, end), io.BytesIO(bytes(shift) + other), low + shift))
    assert found == union((place, place + 1) for place in places)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_it_finds_each_byte_that_is_not_zero(data: bytes, low: int) -> None:
    found = list(not_zero(io.BytesIO(data), (min(low, len(data)), len(data))))
    assert found == union((at, at + 1) for at, byte in enumerate(data) if byte and at >= low)


def test_a_difference_in_a_later_chunk_is_found_though_somebody_read_in_between() -> None:
    size = 3 * CHUNK
    one, other = io.BytesIO(bytes(size)), bytearray(size)
    other[10] = other[2 * CHUNK + 5] = 1
    found = []
    for place in unequal(one, (0, size), io.BytesIO(other), 0):
        found.append(place)
        one.seek(0)
    assert found == [(10, 11), (2 * CHUNK + 5, 2 * CHUNK + 6)]


def test_a_large_file_takes_no_more_memory_than_chunks() -> None:
    data = bytes(64 * CHUNK)
    one, other = io.BytesIO(data), io.BytesIO(data)
    tracemalloc.start()
    assert not list(unequal(one, (0, len(data)), other, 0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * CHUNK


def test_a_file_that_is_too_short_is_refused() -> None:
    assert read_range(io.BytesIO(b"abcd"), 1, 3) == b"bc"
    with pytest.raises(BinaryFormatError, match="2 bytes at offset 2 instead of 5"):
        read_range(io.BytesIO(b"abcd"), 2, 7)
