"""The inputs that are kept: `fixtures/fuzz/NAME/*`, small files made of fixtures, and what once was a fault of ours."""

from __future__ import annotations

import functools
from pathlib import Path

CORPORA = Path(__file__).parents[2] / "fixtures/fuzz"


@functools.cache
def inputs_of(name: str) -> tuple[bytes, ...]:
    """The inputs in a folder, by their file names; none where there is no folder."""
    return tuple(path.read_bytes() for path in sorted((CORPORA / name).glob("*")))
