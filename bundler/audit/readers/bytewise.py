"""Two files compared byte by byte, in chunks: neither is ever read whole into memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bundler.audit.readers.ranges import Range, split
from bundler.binaries.reading import read_there
from bundler.errors import BinaryFormatError

CHUNK = 1 << 17  # fits a processor's cache together with its peer
_FINE = 64


def read_range(file: BinaryIO, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`; BinaryFormatError where the file is shorter."""
    data = read_there(file, start, end - start)
    if len(data) != end - start:
        raise BinaryFormatError(f"{len(data)} bytes at offset {start} instead of {end - start}")
    return data


def unequal(one: BinaryIO, range_: Range, other: BinaryIO, start: int) -> Iterator[Range]:
    """Where the bytes of `one` in a range differ from those of `other` from `start` on: ranges of `one`."""
    shift = start - range_[0]
    one.seek(range_[0])
    other.seek(start)
    for low, high in split(range_, CHUNK):
        left, right = one.read(high - low), other.read(high - low)
        if left != right:
            yield from _apart(left, right, low)
            one.seek(high)  # who looks at the difference may have moved it
            other.seek(high + shift)


def not_zero(file: BinaryIO, range_: Range) -> Iterator[Range]:
    """Where the bytes of a file in a range are not zero."""
    file.seek(range_[0])
    for low, high in split(range_, CHUNK):
        data = file.read(high - low)
        zeros = bytes(high - low)
        if data != zeros:
            yield from _apart(data, zeros, low)
            file.seek(high)


def _apart(left: bytes, right: bytes, at: int) -> Iterator[Range]:
    """The ranges in which two chunks that begin at `at` differ; where the second is cut off, its rest."""
    start = None
    length = max(len(left), len(right))
    for low in range(0, length, _FINE):
        if left[low : low + _FINE] == right[low : low + _FINE]:
            if start is not None:
                yield at + start, at + low
                start = None
            continue
        for number in range(low, min(low + _FINE, length)):
            same = left[number : number + 1] == right[number : number + 1]
            if not same and start is None:
                start = number
            elif same and start is not None:
                yield at + start, at + number
                start = None
    if start is not None:
        yield at + start, at + length
