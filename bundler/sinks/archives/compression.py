"""Compressed streams that use all processors and give the same bytes for any number of them.

xz and bzip2: the input is cut into blocks of a fixed size, each is compressed by itself, and the results stand one behind the
other in the order of the input. (gzip and zstd: see `frame_codecs`.)
"""

from __future__ import annotations

import bz2
import lzma
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from bundler.errors import UnfittingOption
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
    """A compressor into `file`. Raises UnfittingOption for a level that the codec does not have."""
    return codec.open(file, checked_level(codec.name, codec.levels, codec.level, level), max(1, threads))


def checked_level(name: str, levels: range, default: int, level: int | None) -> int:
    """The level, or the default without one. Raises UnfittingOption where it is none of `levels`."""
    if level is None:
        return default
    if level not in levels:
        raise UnfittingOption(f"--level {level}: {name} has levels {levels[0]} to {levels[-1]}")
    return level


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


XZ = Codec("xz", range(10), 6, _xz)
BZIP2 = Codec("bzip2", range(1, 10), 9, _bzip2)
