"""Compressed streams in frames (`sinks.archives.frame_codecs`), decompressed by all processors."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import accumulate
from typing import IO, NamedTuple

from bundler.machine import os
from bundler.sinks.archives.frame_codecs import FoundIndex, FrameCodec
from bundler.sinks.archives.frame_index import MOST_OF_A_FRAME, Frame, digest_of, unpack_index

_MOST_THREADS = 4  # who reads the plain stream is no faster
_BUFFER = 1 << 18
_MOST_OF_THE_REST = MOST_OF_A_FRAME + (1 << 20)
"""Bytes behind the frames that are in the index, but for what that takes itself."""


class Part(NamedTuple):
    """A part of an open file, in which one can go back: a descriptor, and the offsets of its begin and its end."""

    descriptor: int
    start: int
    end: int


def rest_of(file: io.BufferedReader) -> Part | None:
    """What is behind the position of `file`; None where it can be read but once."""
    if not isinstance(file.raw, io.FileIO) or not file.seekable():
        return None
    return Part(file.fileno(), file.tell(), os.fstat(file.fileno()).st_size)


def find_frames(part: Part, codec: FrameCodec) -> FoundIndex | None:
    """The index of the stream that a part of a file holds; None where it has none."""
    found = codec.find_index(*part)
    whole = found is not None and os.pread(part.descriptor, found.start - part.start, part.start) == codec.head
    return found if whole else None


@contextmanager
def read_frames(part: Part, codec: FrameCodec, found: FoundIndex) -> Iterator[IO[bytes]]:
    """The plain stream of such a part. Every byte is checked; reading raises ValueError for what is damaged."""
    with closing(_plain(part, codec, found)) as parts:
        yield io.BufferedReader(_Joined(parts), _BUFFER)


def _plain(part: Part, codec: FrameCodec, found: FoundIndex) -> Generator[bytes, None, None]:
    """The plain bytes of the frames, in order."""
    frames = unpack_index(found.index).frames
    offsets = list(accumulate((frame.size for frame in frames), initial=found.start))
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    queue: deque[Future[bytes]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decompress")
    try:
        for offset, frame in zip(offsets, frames, strict=False):
            queue.append(pool.submit(decompressed_frame, part.descriptor, codec, offset, frame))
            if len(queue) > threads:
                yield queue.popleft().result()
        while queue:
            yield queue.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    yield _last(part, codec, found, frames, offsets[-1])


def decompressed_frame(descriptor: int, codec: FrameCodec, offset: int, frame: Frame) -> bytes:
    """The plain bytes of the frame at an offset. Raises ValueError, or what the decoder raises, where it is damaged."""
    data = os.pread(descriptor, frame.size, offset)
    if digest_of(data) != frame.digest:
        raise ValueError(f"the frame at byte {offset}: its checksum is another")
    plain = codec.decompress(data)
    if len(plain) != frame.plain or codec.check(plain, data) != frame.check:
        raise ValueError(f"the frame at byte {offset} is not what the index says")
    return plain


def _last(part: Part, codec: FrameCodec, found: FoundIndex, frames: Sequence[Frame], offset: int) -> bytes:
    """The plain bytes of the last frame. All that stands behind the others must be as it is written."""
    if part.end - offset > _MOST_OF_THE_REST + 2 * len(found.index):
        raise ValueError("what stands behind its frames is more than there can be")
    rest = os.pread(part.descriptor, part.end - offset, offset)
    data = codec.last(rest, found.index)
    plain = codec.decompress(data)
    last = Frame(b"", b"", len(data), len(plain), codec.check(plain, data))
    if codec.tail(frames, found.index, last, data) != rest:
        raise ValueError("what stands behind its frames is damaged")
    return plain


class _Joined(io.RawIOBase):
    """Bytes that come in parts, as a stream."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._part = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes."""
        while not self._part:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._part = memoryview(part)
        size = min(len(buffer), len(self._part))
        buffer[:size] = self._part[:size]
        self._part = self._part[size:]
        return size
