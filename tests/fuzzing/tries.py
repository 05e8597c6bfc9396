"""What the fuzz tests of the binary formats share: so many damaged files, each done or refused, in time and little memory."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundler.errors import BinaryFormatError, CannotPatch
from tests.material.memory import memory_of

Result = TypeVar("Result")
_REFUSALS = (BinaryFormatError, CannotPatch)
_SECONDS = 1


def fuzz(examples: int, **inputs: st.SearchStrategy[object]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Run a test with so many inputs."""

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        return settings(max_examples=examples, deadline=None, suppress_health_check=[*HealthCheck])(
            given(**inputs)(test)
        )

    return decorate


def done_or_refused(work: Callable[[], Result]) -> Result | None:
    """What some work on a file gives; None where it is refused, which takes words. It takes less than a second of a processor."""
    start = time.process_time()
    try:
        return work()
    except _REFUSALS as error:
        assert str(error)
        return None
    finally:
        assert time.process_time() - start < _SECONDS


def peak_of(work: Callable[[], object]) -> int:
    """Bytes of memory that some work takes, done or refused."""

    def try_it() -> None:
        with contextlib.suppress(*_REFUSALS):
            work()

    return memory_of(try_it)
