"""Files written in one step, and ranges copied by the kernel where it can."""

from __future__ import annotations

import contextlib
import errno
import mmap
import stat
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO

from bundler.machine import os

COPY_REFUSED = frozenset({errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EIO})
"""The errors by which the kernel or a file system says that it does not copy between two files. Reading and writing may do."""

MOST_OF_A_TEXT = 64 << 20
"""Bytes: no text that configures something is nearly as large."""
MOST_OF_A_SCRIPT = 1 << 30
"""Bytes: a script of Python's may have an archive behind it."""
MOST_OF_A_MANIFEST = 256 << 20
"""Bytes of a `bundle.json`, which tells of each file in about 250: a million files."""
TEMPORARY = ".bundler-"
"""How the names begin of files that are to take the place of others."""
_CHUNK = 1 << 20
_LARGEST_COPY = 1 << 30
_WINDOW = 2 << 20


@contextlib.contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A new, empty file that takes the place of `path` when the block ends; unbuffered, to be read and written.

    It lies hidden beside `path`, with the mode 600, which the block may change. Where the block raises, or a signal
    does, nothing is left of it, and `path` is as it was. A symlink at `path` is replaced, not followed. Raises OSError,
    which names `path`.
    """
    with _about(path):
        descriptor, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=os.path.dirname(path) or os.curdir)
    try:
        with open(descriptor, "r+b", buffering=0) as file:
            yield file
        with _about(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):  # a signal right after it was put in place
            os.unlink(temporary)
        raise


def opened(path: str) -> Opened:
    """The file at a path, to be read: a context manager. An error in reading it is told of the path."""
    return Opened(path)


class Opened:
    """See `opened`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> BinaryIO:
        self._file = open(self._path, "rb")
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if isinstance(error, OSError):
            named(error, self._path)


@contextlib.contextmanager
def _about(path: str) -> Iterator[None]:
    """An error of the block is told of `path`: the file beside it means nothing to who reads the error."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def named(error: OSError, path: str) -> OSError:
    """An error, told of `path` where it tells of no file: reading and writing an open one tell of none."""
    if error.filename is None:
        error.filename = path
    return error


def replace(path: str, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Write the file at `path` anew, all at once: whoever reads it finds the old file or the new one.

    `mode` are its permissions, `owner` its user and group (None: those of who writes). A symlink at `path` is replaced,
    not followed. Raises OSError, with `path` as it was.
    """
    with replacing(path) as file:
        write_at(file.fileno(), data, 0)
        if owner is not None:
            made = os.fstat(file.fileno())
            if (made.st_uid, made.st_gid) != owner:
                os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)


def read_regular(path: str, most: int = MOST_OF_A_TEXT) -> bytes:
    """All of a file that may be anybody's, links followed: no pipe is waited for, and nothing is read without an end.

    Raises OSError, also for what is no regular file, and for one of more than `most` bytes.
    """
    if "\0" in path:  # in a text somebody may have written one; no path has any
        raise OSError(errno.EINVAL, "no path has a NUL in it", path)
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe, a socket or a device", path)
    if found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size} bytes, and {most} would be many", path)
    with opened(path) as file:
        return file.read()


def write_at(descriptor: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of `data` at `offset`. The position of the open file stays. Raises OSError."""
    written = 0
    while written < len(data):
        with memoryview(data) as whole, whole[written:] as rest:
            written += os.pwrite(descriptor, rest, offset + written)


def copy_range(source: int, start: int, target: int, to: int, length: int) -> None:
    """Copy `length` bytes at offset `start` of the open file `source` to offset `to` of the open file `target`.

    The positions of both stay. The kernel copies, or shares blocks, where it can; else the bytes go through memory.
    Raises EOFError where `source` ends earlier, OSError where it cannot be read or `target` cannot be written.
    """
    if (start - to) % mmap.PAGESIZE and length >= _CHUNK:
        _copy_mapped(source, start, target, to, length)
        return
    done = copy_in_kernel(source, start, target, to, length)
    while done < length:
        data = os.pread(source, min(length - done, _CHUNK), start + done)
        if not data:
            raise EOFError(f"the source ends at {start + done}, {length - done} bytes early")
        write_at(target, data, to + done)
        done += len(data)


def copy_in_kernel(source: int, start: int, target: int, to: int, length: int) -> int:
    """Copy as `copy_range` does, by the kernel alone; gives how many bytes it copied.

    They are fewer than `length` where the kernel or a file system does not copy (0, for the most part), or `source` ends
    earlier. Raises OSError for every other error: a full disk for one.
    """
    done = 0
    while done < length:
        try:
            step = os.copy_file_range(
                source, target, min(length - done, _LARGEST_COPY), offset_src=start + done, offset_dst=to + done
            )
        except AttributeError:  # not Linux
            break
        except OSError as error:
            if error.errno not in COPY_REFUSED:
                raise
            break
        if not step:  # the end of the source; or a file system that copies nothing says so in this way
            break
        done += step
    return done


def _copy_mapped(source: int, start: int, target: int, to: int, length: int) -> None:
    """Copy bytes that come to lie elsewhere in their pages. copy_file_range can share no block then and goes page by page;
    writing from a mapping takes a quarter less time, where the windows are aligned like huge pages (Linux 6.18, ext4).
    """
    while length:
        skip = start % _WINDOW
        step = min(length, _WINDOW - skip)
        try:
            window = mmap.mmap(source, skip + step, access=mmap.ACCESS_READ, offset=start - skip)
        except ValueError as error:
            raise EOFError(f"the source ends before {start + step}") from error
        with window, memoryview(window) as whole, whole[skip:] as part:
            write_at(target, part, to)
        start, to, length = start + step, to + step, length - step
