"""A patch: a new version of a file as a sequence of pieces.

A patch is data. It says where each byte of the new file comes from, so it can be printed, tested without a disk,
streamed into an archive, or done with in-kernel copies. Nothing here knows a binary format.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Range:
    """`length` bytes of the source from `offset` (both in bytes from the file's start)."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are not in the source."""

    data: bytes

    @property
    def length(self) -> int:
        """Number of bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Zeros:
    """`length` zero bytes; a sink may leave a hole for them."""

    length: int


@dataclass(frozen=True, slots=True)
class Computed:
    """`length` bytes that depend on the new file's other bytes (a signature, a checksum).

    `compute` is given the new file with zeros in place of every computed piece.
    """

    length: int
    compute: Callable[[BinaryIO], bytes]


Piece = Range | Literal | Zeros | Computed


@dataclass(frozen=True, slots=True)
class Patch:
    """The pieces of a new file, in order. No piece is empty, and neighbouring ranges are joined."""

    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Size of the new file in bytes."""
        return sum(piece.length for piece in self.pieces)

    def read(self, source: BinaryIO) -> Iterator[bytes]:
        """Yield the new file's bytes in order, in chunks of at most 1 MiB, from the seekable `source`.

        For a computed piece, what it depends on is read first: a pass over the source of its own. Raises EOFError
        where the source is shorter than a range.
        """
        for piece in self.pieces:
            match piece:
                case Range(offset, length):
                    yield from _read_range(source, offset, length)
                case Literal(data):
                    yield data
                case Zeros(length):
                    yield from _zeros(length)
                case Computed():
                    yield computed_bytes(piece, source, self)

    def apply(self, data: bytes) -> bytes:
        """The new file's bytes, where `data` are the source's. Raises EOFError where they are fewer than a range needs."""
        return b"".join(self.read(io.BytesIO(data)))

    def write(self, source: BinaryIO, target: BinaryIO) -> None:
        """Write the new file's bytes, made of the seekable `source`, to `target`, which need not be seekable."""
        for chunk in self.read(source):
            target.write(chunk)

    def without_computed(self) -> Patch:
        """The same with zeros in place of the computed pieces: what these are computed from."""
        return Patch(tuple(Zeros(piece.length) if isinstance(piece, Computed) else piece for piece in self.pieces))


def computed_bytes(piece: Computed, source: BinaryIO, patch: Patch) -> bytes:
    """The bytes of a computed piece of `patch` over the seekable `source`, whose position is lost.

    Raises ValueError where `compute` gives another length than it promised.
    """
    from bundler.binaries.view import open_patched

    data = piece.compute(open_patched(source, patch.without_computed()))
    if len(data) != piece.length:
        raise ValueError(f"{piece.length} bytes were to be computed, {len(data)} came out")
    return data


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
