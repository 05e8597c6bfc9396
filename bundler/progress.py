"""How far a pack is: a seam between the pipeline and whoever shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """Told of each phase and, while files are written, of the bytes that are done."""

    def phase(self, title: str) -> None:
        """A new phase begins."""

    def total(self, size: int) -> None:
        """So many bytes will be written in this phase."""

    def advance(self, size: int) -> None:
        """So many more bytes were handed over."""


def ignore(_size: int) -> None:
    """Nobody is told how many bytes were handed over."""


class Silent:
    """Progress that nobody sees."""

    def phase(self, title: str) -> None:
        """Nothing."""

    def total(self, size: int) -> None:
        """Nothing."""

    def advance(self, size: int) -> None:
        """Nothing."""


class Spoken:
    """Progress as a line for each phase (`-v`, without a terminal)."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def phase(self, title: str) -> None:
        """Say the phase."""
        self._say(title)

    def total(self, size: int) -> None:
        """Nothing."""

    def advance(self, size: int) -> None:
        """Nothing."""
