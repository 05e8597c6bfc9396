"""On Windows a file that somebody has open cannot be renamed, and its folder not be removed: a process that just ended, a scanner.

That is over in a moment, for the most part.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")
_PAUSES = (0.01, 0.05, 0.1, 0.3, 0.6)  # seconds


def tries() -> Iterator[bool]:
    """How often something is tried, each time after a longer pause; it tells whether that is the last time. Once elsewhere."""
    if os.name == "nt":
        for pause in _PAUSES:
            yield False
            time.sleep(pause)
    yield True


def patiently(do: Callable[[], Result]) -> Result:
    """What `do` gives, which is tried again where Windows denies it. Raises what it raises in the end."""
    for is_last in tries():
        try:
            return do()
        except PermissionError:
            if is_last:
                raise
    raise AssertionError
