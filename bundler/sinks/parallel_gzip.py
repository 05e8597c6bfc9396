"""A gzip stream compressed by several threads, readable by every gunzip, with the same bytes for any number of them.

The input is cut into blocks of a fixed size. Each is deflated by itself, with the 32 KiB before it as its dictionary, and
ended on a byte boundary (RFC 1951, a stored block of length 0), so that the blocks can be put one behind the other as a
single gzip member (RFC 1952).
"""

from __future__ import annotations

import struct
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

_BLOCK = 1 << 20
_WINDOW = 1 << 15
# RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown operating system.
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


class ParallelGzip:
    """Writes a gzip member to `file`; `close` ends it and leaves `file` open."""

    def __init__(self, file: BinaryIO, *, level: int, threads: int) -> None:
        self._file = file
        self._level = level
        self._pool = ThreadPoolExecutor(max(1, threads), thread_name_prefix="gzip")
        self._queue: deque[Future[bytes]] = deque()
        self._depth = 2 * max(1, threads)
        self._buffer = bytearray()
        self._window = b""
        self._crc = 0
        self._size = 0
        file.write(_HEADER)

    def write(self, data: bytes) -> None:
        """Take `data` into the stream."""
        self._buffer += data
        while len(self._buffer) >= _BLOCK:
            block = bytes(self._buffer[:_BLOCK])
            del self._buffer[:_BLOCK]
            self._submit(block)

    def close(self) -> None:
        """Write what is left, the end of the stream, and the checksum."""
        if self._buffer:
            self._submit(bytes(self._buffer))
            self._buffer.clear()
        while self._queue:
            self._file.write(self._queue.popleft().result())
        self._file.write(b"\x03\x00")  # the last, empty block
        self._file.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))
        self.abandon()

    def abandon(self) -> None:
        """Stop the threads; what is unfinished is lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, block: bytes) -> None:
        self._queue.append(self._pool.submit(_deflate, block, self._window, self._level))
        self._window = block[-_WINDOW:]
        self._crc = zlib.crc32(block, self._crc)
        self._size += len(block)
        while len(self._queue) > self._depth:
            self._file.write(self._queue.popleft().result())


def _deflate(block: bytes, window: bytes, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, window)
    return compressor.compress(block) + compressor.flush(zlib.Z_SYNC_FLUSH)
