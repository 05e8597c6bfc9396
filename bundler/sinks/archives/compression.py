"""Compressed streams that use all processors and give the same bytes for any number of them.

gzip, xz and bzip2: the input is cut into blocks of a fixed size, each is compressed by itself, and the results stand one
behind the other in the order of the input. zstd has threads of its own, whose number does not show as long as there is one.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bundler.errors import OutputFailed
from bundler.sinks.archives.output import ByteStream


class Compressor(Protocol):
    """A stream into a file that stays open."""

    def write(self, data: bytes) -> object:
        """Take `data` into the stream."""

    def close(self) -> None:
        """Write what is left and the end of the stream."""

    def abandon(self) -> None:
        """Stop; what is unfinished is lost."""


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to compress: its levels, the one that is taken unless another is asked for, and what makes a compressor."""

    name: str
    levels: range
    level: int
    open: Callable[[ByteStream, int, int], Compressor]
    """From the file, the level and the number of threads."""


def open_compressor(codec: Codec, file: ByteStream, level: int | None, threads: int) -> Compressor:
    """A compressor into `file`. Raises OutputFailed for a level that the codec does not have."""
    return codec.open(file, checked_level(codec.name, codec.levels, codec.level, level), max(1, threads))


def checked_level(name: str, levels: range, default: int, level: int | None) -> int:
    """The level, or the default without one. Raises OutputFailed where it is none of `levels`."""
    if level is None:
        return default
    if level not in levels:
        raise OutputFailed(f"--level {level}: {name} has levels {levels[0]} to {levels[-1]}")
    return level


class Plain:
    """No compression."""

    def __init__(self, file: ByteStream) -> None:
        self.write = file.write

    def close(self) -> None:
        """Nothing is left to write."""

    def abandon(self) -> None:
        """Nothing to stop."""


class _Blocks:
    """Compresses blocks of `size` bytes in a pool of threads; `compress` is given each block."""

    def __init__(self, file: ByteStream, size: int, threads: int, compress: Callable[[bytes], bytes]) -> None:
        self._file = file
        self._block = size
        self._compress = compress
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compress")
        self._queue: deque[Future[bytes]] = deque()
        self._depth = threads + 1
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Take `data` into the stream."""
        self._buffer += data
        while len(self._buffer) >= self._block:
            block = bytes(memoryview(self._buffer)[: self._block])
            del self._buffer[: self._block]
            self._submit(block)

    def close(self) -> None:
        """Write what is left."""
        if self._buffer:
            self._submit(bytes(self._buffer))
            self._buffer.clear()
        while self._queue:
            self._file.write(self._queue.popleft().result())
        self.abandon()

    def abandon(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, block: bytes) -> None:
        self._queue.append(self._pool.submit(self._compress, block))
        while len(self._queue) > self._depth or (self._queue and self._queue[0].done()):
            self._file.write(self._queue.popleft().result())


class _Gzip(_Blocks):
    """One gzip member (RFC 1952), readable by every gunzip.

    Each block is deflated with the 32 KiB before it as its dictionary and ended on a byte boundary (RFC 1951, a stored block of
    length 0), so that the blocks make up one deflate stream.
    """

    # RFC 1952: magic, deflate, no flags, no time, no extra flags, unknown operating system.
    _HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    _WINDOW = 1 << 15

    def __init__(self, file: ByteStream, level: int, threads: int) -> None:
        super().__init__(file, 1 << 18, threads, lambda block: block)
        self._depth = 8 * threads
        self._level = level
        self._window = b""
        self._crc = 0
        self._size = 0
        file.write(self._HEADER)

    def close(self) -> None:
        """Write what is left, the end of the stream, and the checksum."""
        super().close()
        self._file.write(b"\x03\x00")  # the last, empty block
        self._file.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _submit(self, block: bytes) -> None:
        window, self._window = self._window, block[-self._WINDOW :]
        self._crc = zlib.crc32(block, self._crc)
        self._size += len(block)
        self._compress = lambda block: _deflate(block, window, self._level)
        super()._submit(block)


def _deflate(block: bytes, window: bytes, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, window)
    return compressor.compress(block) + compressor.flush(zlib.Z_SYNC_FLUSH)


def _xz(file: ByteStream, level: int, threads: int) -> Compressor:
    """Streams of 8 MiB one behind the other. The check is CRC32, the only one that every small decoder knows.

    A dictionary larger than a block is of no use, and each thread needs eleven times its size.
    """
    block = 1 << 23
    filters = [{"id": lzma.FILTER_LZMA2, "preset": level, "dict_size": min(block, 1 << (18 + level))}]

    def compress(data: bytes) -> bytes:
        return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters)

    return _Blocks(file, block, min(threads, 2), compress)


def _bzip2(file: ByteStream, level: int, threads: int) -> Compressor:
    """Streams one behind the other, each of a few of bzip2's own blocks."""
    return _Blocks(file, level * 400_000, threads, lambda data: bz2.compress(data, level))


class _Zstandard:
    """zstd with worker threads: one or many give the same bytes; none would give others."""

    def __init__(self, file: ByteStream, level: int, threads: int) -> None:
        import zstandard

        compressor = zstandard.ZstdCompressor(level=level, threads=threads, write_checksum=True)
        self._stream = compressor.stream_writer(file, closefd=False)  # type: ignore[arg-type]  # it only writes
        self.write = self._stream.write

    def close(self) -> None:
        """End the frame."""
        self._stream.close()  # type: ignore[no-untyped-call]

    def abandon(self) -> None:
        """Nothing to stop: the workers end with the stream."""


PLAIN = Codec("tar", range(1), 0, lambda file, level, threads: Plain(file))
GZIP = Codec("gzip", range(10), 6, _Gzip)
XZ = Codec("xz", range(10), 6, _xz)
BZIP2 = Codec("bzip2", range(1, 10), 9, _bzip2)
ZSTANDARD = Codec("zstd", range(1, 20), 3, _Zstandard)
