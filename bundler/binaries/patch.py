"""A patch: a new version of a file as a sequence of pieces.

A patch is data. It says where each byte of the new file comes from, so it can be printed, tested without a disk,
streamed into an archive, or done with in-kernel copies. Nothing here knows a binary format.
"""

from __future__ import annotations

import bisect
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from bundler.binaries.pieces import Computed, Literal, Piece, Range, Zeros
from bundler.binaries.view import open_pieces, read_pieces, without_computed

__all__ = ["Computed", "Literal", "Patch", "Piece", "Range", "Zeros", "compose", "join", "overwrite", "splice"]


@dataclass(frozen=True, slots=True)
class Patch:
    """A new file as its pieces in order. No piece is empty, and neighbouring ranges are joined."""

    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Size of the new file in bytes."""
        return sum(piece.length for piece in self.pieces)

    def read(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield the new file's bytes in order, in chunks of at most 1 MiB, from the seekable `source`.

        For a computed piece, the bytes on which it depends are read first: a pass over the source of its own. Raises
        EOFError where the source is shorter than a range.
        """
        return read_pieces(self.pieces, source)

    def open(self, source: BinaryIO) -> BinaryIO:
        """The new file, opened for reading: what readers need to judge a patch before the file exists.

        It shares the position of the seekable `source` and must not outlive it. Reading (or making) it raises EOFError
        where the source is shorter than a range.
        """
        return open_pieces(self.pieces, source)

    def apply(self, data: bytes) -> bytes:
        """The new file's bytes, where `data` are the source's. Raises EOFError where they are fewer than a range needs."""
        return b"".join(self.read(io.BytesIO(data)))

    def write(self, source: BinaryIO, target: BinaryIO) -> None:
        """Write the new file's bytes, made of the seekable `source`, to `target`, which need not be seekable."""
        for chunk in self.read(source):
            target.write(chunk)

    def without_computed(self) -> Patch:
        """The same patch with zeros in place of the computed pieces, which are computed from its bytes."""
        return Patch(without_computed(self.pieces))


def overwrite(size: int, edits: dict[int, bytes]) -> Patch:
    """A patch that writes each of `edits` (offset: bytes) over a source of `size` bytes, in place.

    The edits must not overlap and must lie within the source: ValueError otherwise.
    """
    return splice(size, edits, {})


def splice(size: int, edits: dict[int, bytes], insertions: dict[int, tuple[Piece, ...]]) -> Patch:
    """A patch of a source of `size` bytes with `edits` written over it and `insertions` put between its bytes.

    All offsets are the source's. An insertion at an offset comes before the source's byte at that offset; it must
    not fall inside an edit. ValueError where edits overlap or leave the source.
    """
    pieces: list[Piece] = []
    position = 0
    for offset in sorted({*edits, *insertions}):
        if offset < position or offset > size:
            raise ValueError(f"an edit at offset {offset} overlaps another or leaves the file of {size} bytes")
        _append(pieces, Range(position, offset - position))
        for piece in insertions.get(offset, ()):
            _append(pieces, piece)
        data = edits.get(offset, b"")
        _append(pieces, Literal(data))
        position = offset + len(data)
    if position > size:
        raise ValueError(f"the last edit ends at {position}, behind the file of {size} bytes")
    _append(pieces, Range(position, size - position))
    return Patch(tuple(pieces))


def compose(first: Patch, second: Patch) -> Patch:
    """The patch that does `second` to what `first` makes of a source; neither has a computed piece.

    ValueError where `second` takes more than `first` makes.
    """
    starts = list(itertools.accumulate((piece.length for piece in first.pieces), initial=0))
    pieces: list[Piece] = []
    for piece in second.pieces:
        if not isinstance(piece, Range):
            _append(pieces, piece)
            continue
        start, end = piece.offset, piece.offset + piece.length
        if end > starts[-1]:
            raise ValueError(f"a range ends at {end}, behind the file of {starts[-1]} bytes")
        number = bisect.bisect_right(starts, start) - 1
        while start < end:
            skip, length = start - starts[number], min(end, starts[number + 1]) - start
            _append(pieces, _cut(first.pieces[number], skip, length))
            start, number = start + length, number + 1
    return Patch(tuple(pieces))


def _cut(piece: Piece, skip: int, length: int) -> Piece:
    """`length` bytes of a piece, from `skip` on."""
    match piece:
        case Range(offset, _):
            return Range(offset + skip, length)
        case Literal(data):
            return Literal(data[skip : skip + length])
        case Zeros():
            return Zeros(length)
        case Computed():
            raise ValueError("a computed piece cannot be cut")


def join(pieces: Iterable[Piece]) -> Patch:
    """A patch of these pieces in their order, without empty ones and with neighbours joined where they can be."""
    joined: list[Piece] = []
    for piece in pieces:
        _append(joined, piece)
    return Patch(tuple(joined))


def _append(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece, dropping empty ones and joining what touches."""
    if piece.length == 0:
        return
    last = pieces[-1] if pieces else None
    match last, piece:
        case Range(start, length), Range(offset, more) if start + length == offset:
            pieces[-1] = Range(start, length + more)
        case Literal(data), Literal(more_data):
            pieces[-1] = Literal(data + more_data)
        case Zeros(length), Zeros(more):
            pieces[-1] = Zeros(length + more)
        case _:
            pieces.append(piece)
