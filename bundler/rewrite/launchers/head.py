"""The head of a script, as a value: what the operating system reads before Python reads the body."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

PYTHON_NAME = re.compile(r"pythonw?(3(\.\d+)?)?t?d?")
"""File names of a Python 3. Python 2 is another program."""


class Unnamed(enum.Enum):
    """An interpreter that a head does not name by its path."""

    OWN = "the environment's own, wherever that is"
    ON_PATH = "the first Python on PATH"


@dataclass(frozen=True, slots=True)
class Head:
    """One way to read what stands before a script's body."""

    interpreter: str | Unnamed
    arguments: tuple[str, ...]
    """The interpreter's."""
    length: int
    """In bytes, the line end included."""
    guessed: bool = False
    """Whether the path has spaces in it as they are: no kernel can run it, but where the path is known it is meant."""


def words(text: str) -> tuple[str, ...]:
    """The arguments in a text: no writer quotes them."""
    return tuple(text.split())
