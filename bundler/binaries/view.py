"""A patched file that does not exist yet, as a seekable file: what readers need to judge a patch."""

from __future__ import annotations

import bisect
import io
import itertools
import os
from typing import TYPE_CHECKING, BinaryIO

from bundler.binaries.patch import Computed, Literal, Patch, Range, Zeros, computed_bytes

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SMALL = 1 << 20
"""Files up to this many bytes are held in memory."""


class _PatchedFile(io.RawIOBase):
    """Bytes of `patch` applied to the seekable `source`, made as they are read."""

    def __init__(self, source: BinaryIO, patch: Patch) -> None:
        self._source = source
        self._patch = patch
        self._pieces = patch.pieces
        self._computed: dict[int, bytes] = {}
        self._ends = list(itertools.accumulate(piece.length for piece in patch.pieces))
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
                    self._computed[number] = computed_bytes(piece, self._source, self._patch)
                return self._computed[number][skip : skip + length]


def in_memory(file: BinaryIO) -> BinaryIO:
    """The seekable `file`; where it is small, its bytes in memory, so that no look at it costs a system call."""
    if isinstance(file, io.BytesIO) or file.seek(0, os.SEEK_END) > SMALL:
        return file
    file.seek(0)
    return io.BytesIO(file.read())


def open_patched(source: BinaryIO, patch: Patch) -> BinaryIO:
    """The file that `patch` makes of the seekable `source`, opened for reading.

    It shares the position of `source` and must not outlive it; a small one is made at once, in memory. Reading (or making it)
    raises EOFError where the source is shorter than the patch needs.
    """
    if patch.size <= SMALL:
        return io.BytesIO(b"".join(patch.read(source)))
    return io.BufferedReader(_PatchedFile(source, patch), 4096)
