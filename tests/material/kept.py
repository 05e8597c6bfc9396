"""What is made once and used often: it is whole or not there, whatever a skip, an error or a killed run left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SKIPPED: dict[str, str] = {}
"""Why what is kept under a name could not be made by this process: it is not tried again."""


def made_once(where: Path, make: Callable[[Path], object]) -> Path:
    """The folder `where`; `make(where)` fills it where it is not there, or was left half-made.

    A mark beside the folder, written last, says that it is whole. A folder whose making ends in a skip or an error is removed.
    """
    mark = where.with_name(f"{where.name}.made")
    if not (mark.exists() and where.is_dir()):
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        try:
            make(where)
        except BaseException:
            shutil.rmtree(where, ignore_errors=True)
            raise
        mark.touch()
    return where


def cache() -> Path:
    """The folder outside of the tree that material is kept in between runs."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "bundler-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One process at a time makes the material of a name."""
    with open(cache() / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def kept(name: str, make: Callable[[Path], object]) -> Path:
    """A folder of the cache, made once for all runs; where `make` skips, this process skips at once the next time."""
    if name in _SKIPPED:
        pytest.skip(_SKIPPED[name])
    with locked(name):
        try:
            return made_once(cache() / name, make)
        except pytest.skip.Exception as skipped:
            _SKIPPED[name] = str(skipped)
            raise
