"""Frames that threads make, written in their order: only so many at once that memory stays small."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from bundler.entries import Digests
from bundler.sinks.archives.frames import PIECE

_MOST_MEMORY = 96 << 20  # bytes, for threads at work
_MOST_HELD = 64 << 20  # bytes, of frames that are not written yet
_AHEAD = 1  # frames that wait for a thread, or to be written


class Row(NamedTuple):
    """What is kept of a frame when it is written: see `frame_index.Frame`."""

    key: Callable[[], bytes]
    """To be asked for when all is written: that of a piece tells of the whole file."""
    digest: bytes
    size: int
    plain: int
    check: int
    taken: bool = False
    """Whether it was taken over."""


class Packed(NamedTuple):
    """A frame that is ready to be written."""

    data: bytes
    row: Row
    done: int
    """Bytes of files in it."""
    digests: Digests
    """Of the files that end in it, by bundle path."""
    plain: bytes | bytearray | None
    """Its plain bytes, where somebody asks for them."""


class FrameQueue:
    """Makes frames in threads and hands them to `write` in the order in which they were added."""

    def __init__(self, threads: int, memory: int, write: Callable[[Packed], None]) -> None:
        """`memory` is what a thread needs beside the frame, in bytes."""
        threads = max(1, min(threads, _MOST_MEMORY // (memory + PIECE)))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compress")
        self._queue: deque[tuple[int, Future[Packed]]] = deque()
        self._held = 0
        self._most = min((threads + _AHEAD) * PIECE, _MOST_HELD)
        self._write = write

    def add(self, size: int, make: Callable[[], Packed]) -> None:
        """Let a frame of about so many plain bytes be made. What is wrong with an earlier one is raised here."""
        while self._queue and (self._held + size > self._most or self._queue[0][1].done()):
            self._write_first()
        self._queue.append((size, self._pool.submit(make)))
        self._held += size

    def drain(self) -> None:
        """Wait for all of them."""
        while self._queue:
            self._write_first()

    def stop(self) -> None:
        """Stop the threads; what is not written is lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _write_first(self) -> None:
        size, future = self._queue.popleft()
        self._held -= size
        self._write(future.result())
