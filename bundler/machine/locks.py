"""Locks of folders. Each is held as long as the process lives that took it, or until it is closed."""

from __future__ import annotations

import ctypes
import errno
import hashlib
from collections.abc import Callable

from bundler.machine import HAS_DRIVES, os

# EBADF: NFS makes a lock of flock that only a file which is open for writing can have (flock(2)), and no folder can be.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF)
_ALREADY_EXISTS = 183  # winerror.h


class NoLocks(OSError):
    """The file system has no locks."""


class FolderLock:
    """The lock of a folder, which nobody else has; `is_of` tells whether the folder at a path is still that one."""

    def __init__(self, close: Callable[[], object], is_of: Callable[[str], bool]) -> None:
        self._close: Callable[[], object] | None = close
        self.is_of = is_of

    def close(self) -> None:
        """Let others have it. A second call does nothing."""
        if self._close is not None:
            close, self._close = self._close, None
            close()


def lock_folder(folder: str) -> FolderLock:
    """Take the lock of a folder. A link is none. Raises BlockingIOError where somebody has it, NoLocks, OSError."""
    return _mutex(folder) if HAS_DRIVES else _flock(folder)


def locked(folder: str) -> FolderLock | None:
    """The same lock; None where the folder was removed before it was locked. Raises what `lock_folder` raises."""
    lock = lock_folder(folder)
    try:
        if lock.is_of(folder):
            return lock
    except BaseException:
        lock.close()
        raise
    lock.close()
    return None


def _flock(folder: str) -> FolderLock:
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        if error.errno in _NO_LOCKS:
            raise NoLocks(error.errno, error.strerror, folder) from error
        raise
    except BaseException:
        os.close(descriptor)
        raise

    def is_of(path: str) -> bool:
        try:
            return os.path.samestat(os.stat(path), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    return FolderLock(lambda: os.close(descriptor), is_of)


def _mutex(folder: str) -> FolderLock:
    """A name of the machine's: it is there as long as a process has it open. An open folder could not be renamed or removed."""
    facts = os.lstat(folder)
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    kernel.CreateMutexW.restype = ctypes.c_void_p
    text = os.path.realpath(folder).casefold()
    name = "Global\\bundler-" + hashlib.sha256(os.fsencode(text)).hexdigest()
    handle = kernel.CreateMutexW(None, False, name)
    code = ctypes.get_last_error()  # type: ignore[attr-defined]
    if not handle:
        raise ctypes.WinError(code)  # type: ignore[attr-defined]
    if code == _ALREADY_EXISTS:
        kernel.CloseHandle(ctypes.c_void_p(handle))
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), folder)

    def is_of(path: str) -> bool:
        try:
            return os.path.samestat(os.lstat(path), facts)
        except FileNotFoundError:
            return False

    return FolderLock(lambda: kernel.CloseHandle(ctypes.c_void_p(handle)), is_of)
