"""A slice of the slow tests: all of them in turn, a part on each day."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import pytest


class Slice(NamedTuple):
    """One of several parts, of about the same size, of the tests that are marked `everything`."""

    number: int
    """From 0."""
    parts: int

    def holds(self, test: str) -> bool:
        """Whether a test (its node id) is in this part; where its file stands in a run does not matter."""
        return zlib.crc32(test.encode()) % self.parts == self.number

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"


def parsed(text: str) -> Slice:
    """A slice as an option gives it: `NUMBER/PARTS`, any number, which counts modulo the parts. Raises pytest.UsageError."""
    found = re.fullmatch(r"(\d+)/([1-9]\d*)", text)
    if found is None:
        raise pytest.UsageError(f"--slice {text}: NUMBER/PARTS, such as 2/3")
    number, parts = map(int, found.groups())
    return Slice(number % parts, parts)


def parted(items: Sequence[pytest.Item], part: Slice) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """What runs, every quick test and the slice of the others, and what does not."""
    runs: list[pytest.Item] = []
    waits: list[pytest.Item] = []
    for item in items:
        quick = item.get_closest_marker("everything") is None
        (runs if quick or part.holds(item.nodeid) else waits).append(item)
    return runs, waits
