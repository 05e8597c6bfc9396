"""What comes through a pipe, for no longer than somebody wants to wait."""

from __future__ import annotations

import queue
import selectors
import threading
from collections.abc import Iterator
from typing import IO

from bundler.machine import HAS_DRIVES, os

_CHUNK = 1 << 16


def chunks_in_time(pipe: IO[bytes], seconds: float) -> Iterator[bytes]:
    """What comes, until the pipe's end. Raises TimeoutError where nothing comes for so long."""
    return _by_thread(pipe, seconds) if HAS_DRIVES else _by_selector(pipe, seconds)


def _by_selector(pipe: IO[bytes], seconds: float) -> Iterator[bytes]:
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(seconds):
                raise TimeoutError
            data = os.read(pipe.fileno(), _CHUNK)
            if not data:
                return
            yield data


def _by_thread(pipe: IO[bytes], seconds: float) -> Iterator[bytes]:
    """Windows waits for sockets only. The thread ends with the pipe; nobody waits for it."""
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        data = b"."
        while data:
            try:
                data = os.read(pipe.fileno(), _CHUNK)
            except (OSError, ValueError):  # it was closed here
                data = b""
            heard.put(data)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        try:
            data = heard.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if not data:
            return
        yield data
