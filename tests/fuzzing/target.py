"""What a target of fuzzing is, and what must hold of it for every input."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

from bundler.errors import BundlerError
from tests.fuzzing.corpus import inputs_of
from tests.material import memory


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, called as bundler calls it."""

    name: str
    """That of a folder below `fixtures/fuzz`, too, unless it has those of others."""
    run: Callable[[bytes], object]
    """Reads an input. An assertion in it is a promise about the outcome."""
    refusals: tuple[type[BundlerError | ValueError], ...] = ()
    """The errors that say that an input is none of the parser's; none where it takes everything."""
    words: tuple[bytes, ...] = ()
    """What the inputs are made of: put in among other damage."""
    seconds: float = 1.0
    """Of a processor, for one input."""
    memory: int = 4 << 20
    """Bytes, for one input, and `TIMES` its size."""
    folders: tuple[str, ...] = ()
    """Whose inputs it begins with, besides its own."""

    @property
    def seeds(self) -> tuple[bytes, ...]:
        """The inputs that it begins with."""
        return tuple(data for name in (*self.folders, self.name) for data in inputs_of(name))


TIMES = 64
"""Bytes of memory for each byte of an input."""


def check(target: Target, data: bytes) -> bool:
    """Run a target; whether the input was taken. Every other error than a refusal is a fault, and so is one that says nothing.

    The time counts as well, but for a second look: a collection of garbage may come in between.
    """
    if _seconds(target, data) > target.seconds:
        gc.collect()
        taken = _seconds(target, data)
        assert taken <= target.seconds, f"{target.name}: {taken:.1f} s for {len(data)} bytes"
    return is_taken(target, data)


def is_taken(target: Target, data: bytes) -> bool:
    """Whether the input is no refusal. What else is raised comes through."""
    try:
        target.run(data)
    except target.refusals as error:
        assert str(error), f"{target.name}: an error without a word"
        return False
    return True


def memory_of(target: Target, data: bytes) -> int:
    """Bytes that Python's own memory grew by, at most, for one input."""
    is_taken(target, data)  # what is imported or remembered once counts for nobody
    return memory.memory_of(lambda: is_taken(target, data))


def check_memory(target: Target, data: bytes) -> None:
    """Raise AssertionError for an input that takes more memory than its size allows."""
    found = memory_of(target, data)
    most = target.memory + TIMES * len(data)
    assert found <= most, f"{target.name}: {found} bytes of memory for {len(data)} bytes, {most} are allowed"


def _seconds(target: Target, data: bytes) -> float:
    start = time.process_time()
    is_taken(target, data)
    return time.process_time() - start
