"""Errors that say nothing of a file, but of the disk, the network or this process: nobody knows then what is there.

Where a file that cannot be read counts as none, these are no such answer: the bundle would be another one.
"""

from __future__ import annotations

import errno
import stat

from bundler.machine import os

_FAILING = frozenset(
    {errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT, getattr(errno, "ESTALE", 0)}
)


def unless_failing(error: Exception, path: str) -> None:
    """Raise an OSError of that kind again, told of `path` where it tells of no file; let others pass."""
    if isinstance(error, OSError) and error.errno in _FAILING:
        if error.filename is None:
            error.filename = path
        raise error


def exists(path: str) -> bool:
    """Whether something is at a path, links followed."""
    return _kind(path) != 0


def is_file(path: str) -> bool:
    """Whether a regular file is at a path, links followed."""
    return stat.S_ISREG(_kind(path))


def is_dir(path: str) -> bool:
    """Whether a directory is at a path, links followed."""
    return stat.S_ISDIR(_kind(path))


def _kind(path: str) -> int:
    """The mode of what is at a path; 0 where nothing is. Raises an OSError that says nothing of the file."""
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError) as error:
        unless_failing(error, path)
        return 0
