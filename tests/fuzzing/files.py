"""Inputs as files: for code that seeks, asks for a size, or opens a path."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[BinaryIO]:
    """A file without a buffer: one that is asked for more than there is makes room for all of it, as on a disk."""
    with tempfile.TemporaryFile(buffering=0, dir=folder()) as file:
        file.write(data)
        file.seek(0)
        yield cast(BinaryIO, file)


@contextlib.contextmanager
def placed(data: bytes, name: str = "input") -> Iterator[Path]:
    """The path of a file, which is gone afterwards."""
    path = folder() / name
    path.write_bytes(data)
    try:
        yield path
    finally:
        path.unlink()


@functools.cache
def folder() -> Path:
    """A folder of this process, in memory where there is such a place."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    made = tempfile.TemporaryDirectory(prefix="bundler-fuzz-", dir=where)
    _KEPT.append(made)
    return Path(made.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Folders, which go with the process."""
