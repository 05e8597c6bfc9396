"""What comes through a pipe is heard to its end, and nobody waits longer than somebody wants."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO

import pytest

from bundler.machine import pipes

Hear = Callable[[IO[bytes], float], Iterator[bytes]]


@pytest.mark.parametrize("hear", [pipes._by_selector, pipes._by_thread])
def test_all_is_heard_to_the_end(hear: Hear) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb") as pipe:
        chunks = hear(pipe, 60)
        os.write(writer, b"one")
        assert next(chunks) == b"one"
        os.write(writer, b"two")
        os.close(writer)
        assert list(chunks) == [b"two"]


@pytest.mark.parametrize("hear", [pipes._by_selector, pipes._by_thread])
def test_silence_has_an_end(hear: Hear) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as pipe:
        with pytest.raises(TimeoutError):
            next(hear(pipe, 0.01))
        os.close(writer)
