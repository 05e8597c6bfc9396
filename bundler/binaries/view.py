"""The bytes that pieces stand for, read in order or as a seekable file that does not exist yet."""

from __future__ import annotations

import bisect
import io
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from bundler.binaries.pieces import Computed, Literal, Piece, Range, Zeros
from bundler.binaries.reading import SMALL
from bundler.machine import os

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 1 << 20


def read_pieces(pieces: Sequence[Piece], source: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of `pieces` in order, in chunks of at most 1 MiB, from the seekable `source`.

    For a computed piece, the bytes on which it depends are read first: a pass over the source of its own. Raises EOFError
    where the source is shorter than a range.
    """
    for piece in pieces:
        match piece:
            case Range(offset, length):
                yield from _read_range(source, offset, length)
            case Literal(data):
                yield data
            case Zeros(length):
                yield from _zeros(length)
            case Computed():
                yield _computed_bytes(piece, pieces, source)


def open_pieces(pieces: Sequence[Piece], source: BinaryIO) -> BinaryIO:
    """The file that `pieces` make of the seekable `source`, opened for reading.

    It shares the position of `source` and must not outlive it. A small file is made at once, in memory. Reading (or
    making) it raises EOFError where the source is shorter than a range.
    """
    if sum(piece.length for piece in pieces) <= SMALL:
        return io.BytesIO(b"".join(read_pieces(pieces, source)))
    return io.BufferedReader(_PieceFile(pieces, source), 4096)


def without_computed(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The same pieces with zeros in place of the computed ones, which are computed from these."""
    return tuple(Zeros(piece.length) if isinstance(piece, Computed) else piece for piece in pieces)


class _PieceFile(io.RawIOBase):
    """The bytes of `pieces` over the seekable `source`, made as they are read."""

    def __init__(self, pieces: Sequence[Piece], source: BinaryIO) -> None:
        self._source = source
        self._pieces = pieces
        self._computed: dict[int, bytes] = {}
        self._ends = list(itertools.accumulate(piece.length for piece in pieces))
        self._position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As for any file; a position behind the end reads as the end."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as the file goes."""
        target = memoryview(buffer).cast("B")
        done = 0
        while done < len(target) and self._position < self._size:
            data = self._read_piece(len(target) - done)
            target[done : done + len(data)] = data
            done += len(data)
            self._position += len(data)
        return done

    @property
    def _size(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _read_piece(self, length: int) -> bytes:
        """At most `length` bytes from the position on, out of one piece."""
        number = bisect.bisect_right(self._ends, self._position)
        piece = self._pieces[number]
        skip = self._position - (self._ends[number] - piece.length)
        length = min(length, piece.length - skip)
        match piece:
            case Range(offset, _):
                self._source.seek(offset + skip)
                data = self._source.read(length)
                if len(data) < length:
                    raise EOFError(f"the source ends {length - len(data)} bytes early")
                return data
            case Literal(data):
                return data[skip : skip + length]
            case Zeros():
                return bytes(length)
            case Computed():
                if number not in self._computed:
                    self._computed[number] = _computed_bytes(piece, self._pieces, self._source)
                return self._computed[number][skip : skip + length]


def _computed_bytes(piece: Computed, pieces: Sequence[Piece], source: BinaryIO) -> bytes:
    """The bytes of `piece`, one of `pieces`, over the seekable `source`, whose position is lost.

    Raises ValueError where `compute` gives another length than the piece promises.
    """
    data = piece.compute(open_pieces(without_computed(pieces), source))
    if len(data) != piece.length:
        raise ValueError(f"{piece.length} bytes were to be computed, {len(data)} came out")
    return data


def _read_range(source: BinaryIO, offset: int, length: int) -> Iterator[bytes]:
    source.seek(offset)
    while length:
        chunk = source.read(min(length, _CHUNK))
        if not chunk:
            raise EOFError(f"the source ends at {offset}, {length} bytes early")
        yield chunk
        offset += len(chunk)
        length -= len(chunk)


def _zeros(length: int) -> Iterator[bytes]:
    while length:
        step = min(length, _CHUNK)
        yield bytes(step)
        length -= step
