"""Frames that threads make, written in their order: only so many at once that memory stays small."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from bundler.sinks.archives.frames import PIECE

_MOST_MEMORY = 80 << 20  # bytes, for threads at work
_MOST_HELD = 48 << 20  # bytes, of frames that are not written yet
_AHEAD = 1  # frames that wait for a thread, or to be written


class FrameQueue:
    """Has frames made in threads, and written in the order in which they were added."""

    def __init__(self, threads: int, memory: int) -> None:
        """`memory` is what a thread needs beside the frame, in bytes."""
        threads = max(1, min(threads, _MOST_MEMORY // (memory + PIECE)))
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compress")
        self._queue: deque[tuple[int, Future[Callable[[], object]]]] = deque()
        self._held = 0
        self._most = min((threads + _AHEAD) * PIECE, _MOST_HELD)

    def add(self, size: int, make: Callable[[], Callable[[], object]]) -> None:
        """Let a thread make a frame of about so many plain bytes. What it gives is called here when the turn comes.

        What is wrong with an earlier frame is raised here.
        """
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
        future.result()()
