"""The steps by which an output takes its place: each changes what others see, and a process may be killed behind any of them.

Tests put something else in the place of `after`, to stop at a chosen step.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable

from bundler.machine import HAS_DRIVES, os

_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2  # linux/fs.h
_AT_FDCWD = -100
_CANNOT_LINK = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def _nothing() -> None:
    pass


after: Callable[[], object] = _nothing
"""Called behind each step."""


def rename(source: str, target: str) -> None:
    """See `os.rename`."""
    os.rename(source, target)
    after()


def rename_anew(source: str, target: str) -> None:
    """Rename a file to a path where nothing is. Raises FileExistsError where something is by now, OSError."""
    if not _renameat2(source, target, _RENAME_NOREPLACE):
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _CANNOT_LINK:
                raise
            if os.path.lexists(target):  # this file system leaves a moment to others
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
            os.rename(source, target)
        else:
            os.unlink(source)
    after()


def exchange(one: str, other: str) -> bool:
    """Swap two paths in one step; False where the kernel or the C library cannot. Raises OSError."""
    if not _renameat2(one, other, _RENAME_EXCHANGE):
        return False
    after()
    return True


def _renameat2(one: str, other: str, flags: int) -> bool:
    """See renameat2(2); False where the kernel, the C library or the file system has none. Raises OSError."""
    if HAS_DRIVES:
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flags) != 0:
        code = ctypes.get_errno()
        if code in (errno.EINVAL, errno.ENOSYS):
            return False
        raise OSError(code, os.strerror(code), other)
    return True


def make_folder(path: str, mode: int = 0o777) -> None:
    """See `os.mkdir`."""
    os.mkdir(path, mode)
    after()


def remove_folder(path: str) -> None:
    """See `os.rmdir`."""
    os.rmdir(path)
    after()


def write_mark(path: str) -> None:
    """Make an empty file that outlives a crash of the machine."""
    with open(path, "wb") as file:
        os.fsync(file.fileno())
    after()


def remove_mark(path: str) -> None:
    """Remove a mark, if it is there."""
    if os.path.lexists(path):
        os.unlink(path)
        after()
