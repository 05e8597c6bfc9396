"""A patched file on disk: a new file and a rename, or the old one's own bytes changed.

A new file breaks a hard link on purpose: an installer's cache on the other end keeps its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from bundler.binaries.patch import Computed, Literal, Patch, Range, Zeros
from bundler.binaries.reading import SMALL, in_memory
from bundler.errors import OutputFailed

_CHUNK = 1 << 20
_LARGEST_COPY = 1 << 30
_WINDOW = 2 << 20


def open_source(path: str) -> BinaryIO:
    """The regular file behind `path` for reading, unbuffered reads excepted; OutputFailed for anything else."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOATIME", 0))  # looking at a file does not change its times
    except PermissionError:  # only its owner may read it so
        descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OutputFailed("not a regular file")
    return open(descriptor, "rb", buffering=4096)


def write_new(source: BinaryIO, patch: Patch | None, path: str) -> None:
    """Put the file that `patch` makes of `source` (None: a copy) at `path`, all at once, with the source's mode, owner,
    times and extended attributes.

    A symlink at `path` stays, and what it leads to is replaced. Raises OutputFailed, with nothing changed, where owner
    or attributes cannot be kept or the source changed meanwhile.
    """
    if os.path.islink(path):
        path = os.path.realpath(path)
    before = os.fstat(source.fileno())
    whole = patch or Patch((Range(0, before.st_size),) if before.st_size else ())
    descriptor, temporary = tempfile.mkstemp(prefix=".bundler-", dir=os.path.dirname(path) or os.curdir)
    try:
        with open(descriptor, "r+b", buffering=0) as target:
            _write(source, whole, target)
            after = os.fstat(source.fileno())
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise OutputFailed(f"{path} changed while it was patched")
            _keep_attributes(source, before, target.fileno(), path)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def overwrite(path: str, patch: Patch) -> None:
    """Change the bytes of the file at `path` itself: its inode stays, and a failure half way leaves it broken.

    Raises what `check_overwrite` does, with nothing changed.
    """
    with open(path, "r+b", buffering=0) as target:
        check_overwrite(target, patch)
        before = os.fstat(target.fileno())
        # From the end on: nothing moves towards the start, so no byte is written over before it was read.
        for at, piece in reversed(list(_moves(patch))):
            match piece:
                case Range(offset, length) if offset != at:
                    _move_up(target, offset, at, length)
                case Range():
                    pass
                case Literal(data):
                    _write_at(target, at, data)
                case Zeros(length):
                    for start in range(0, length, _CHUNK):
                        _write_at(target, at + start, bytes(min(_CHUNK, length - start)))
                case Computed():
                    raise AssertionError("check_overwrite lets none through")
        os.fchmod(target.fileno(), stat.S_IMODE(before.st_mode))  # writing takes set-user-id away
        os.utime(target.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))


def check_overwrite(file: BinaryIO, patch: Patch) -> None:
    """Raise OutputFailed where `file` has more than one link, or `patch` cannot be done in place: it takes bytes away, or has
    computed pieces.
    """
    facts = os.fstat(file.fileno())
    if facts.st_nlink > 1:
        raise OutputFailed(
            f"the file has {facts.st_nlink} hard links, and all of them would change",
            "without --overwrite a new file takes its place, and the other links keep theirs",
        )
    moves = list(_moves(patch))
    if any(isinstance(piece, Range) and piece.offset > at for at, piece in moves) or patch.size < facts.st_size:
        raise OutputFailed("the file would lose bytes, which cannot be done in place", "do it without --overwrite")
    if any(isinstance(piece, Computed) for piece in patch.pieces):
        raise OutputFailed(
            "its signature is made from the new file, which cannot be done in place", "do it without --overwrite"
        )


def _moves(patch: Patch) -> Iterator[tuple[int, Range | Literal | Zeros | Computed]]:
    """Each piece with its offset in the new file."""
    position = 0
    for piece in patch.pieces:
        yield position, piece
        position += piece.length


def _move_up(target: BinaryIO, offset: int, to: int, length: int) -> None:
    """Copy bytes towards the end of the same file, the last ones first."""
    while length:
        step = min(_CHUNK, length)
        length -= step
        target.seek(offset + length)
        data = target.read(step)
        if len(data) < step:
            raise EOFError(f"the file ends {step - len(data)} bytes early")
        _write_at(target, to + length, data)


def _write_at(target: BinaryIO, at: int, data: bytes | memoryview) -> None:
    written = 0
    while written < len(data):
        with memoryview(data) as whole, whole[written:] as rest:
            written += os.pwrite(target.fileno(), rest, at + written)


def _write(source: BinaryIO, patch: Patch, target: BinaryIO) -> None:
    """Write all pieces; ranges by the kernel, zeros as holes. A small file is written at once."""
    if patch.size <= SMALL:
        _write_at(target, 0, b"".join(patch.read(in_memory(source))))
        return
    if any(isinstance(piece, Computed) for piece in patch.pieces):
        for chunk in patch.read(source):
            target.write(chunk)
        return
    for at, piece in _moves(patch):
        match piece:
            case Range(offset, length):
                _copy(source, offset, target, at, length)
            case Literal(data):
                _write_at(target, at, data)
    if os.fstat(target.fileno()).st_size < patch.size:
        os.ftruncate(target.fileno(), patch.size)


def _copy(source: BinaryIO, offset: int, target: BinaryIO, at: int, length: int) -> None:
    """Copy bytes between files, within the kernel where it can."""
    if (offset - at) % mmap.PAGESIZE and length >= _CHUNK:
        _copy_mapped(source, offset, target, at, length)
        return
    while length:
        try:
            done = os.copy_file_range(source.fileno(), target.fileno(), min(length, _LARGEST_COPY), offset, at)
        except (AttributeError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_KERNEL_COPY:
                raise
            data = os.pread(source.fileno(), min(length, _CHUNK), offset)
            _write_at(target, at, data)
            done = len(data)
        if not done:
            raise EOFError(f"the source ends at {offset}, {length} bytes early")
        offset, at, length = offset + done, at + done, length - done


def _copy_mapped(source: BinaryIO, offset: int, target: BinaryIO, at: int, length: int) -> None:
    """Copy bytes that come to lie elsewhere in their pages. copy_file_range can share no block then and goes page by page;
    writing from a mapping takes a quarter less time, where the windows are aligned like huge pages (Linux 6.18, ext4).
    """
    while length:
        skip = offset % _WINDOW
        step = min(length, _WINDOW - skip)
        try:
            window = mmap.mmap(source.fileno(), skip + step, access=mmap.ACCESS_READ, offset=offset - skip)
        except ValueError as error:
            raise EOFError(f"the source ends before {offset + step}") from error
        with window, memoryview(window) as whole, whole[skip:] as part:
            _write_at(target, at, part)
        offset, at, length = offset + step, at + step, length - step


_NO_KERNEL_COPY = (errno.ENOSYS, errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM, errno.EIO)


def _keep_attributes(source: BinaryIO, before: os.stat_result, target: int, path: str) -> None:
    """Give the new file the old one's owner, mode, extended attributes and times, in this order: each may undo another."""
    new = os.fstat(target)
    if (new.st_uid, new.st_gid) != (before.st_uid, before.st_gid):
        try:
            os.fchown(target, before.st_uid, before.st_gid)
        except PermissionError as error:
            raise OutputFailed(
                f"{path} belongs to user {before.st_uid} and group {before.st_gid}, and a new file cannot be given to them",
                "as its owner, or with --overwrite, it can be patched",
            ) from error
    os.fchmod(target, stat.S_IMODE(before.st_mode))
    for name in _attribute_names(source.fileno()):
        value = os.getxattr(source.fileno(), name)
        try:
            os.setxattr(target, name, value)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP) or _has_attribute(target, name, value):
                continue
            raise OutputFailed(f"the extended attribute {name} of {path} cannot be kept: {error.strerror}") from error
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))


def _attribute_names(descriptor: int) -> list[str]:
    if not hasattr(os, "listxattr"):  # not Linux
        return []
    try:
        return os.listxattr(descriptor)
    except OSError:
        return []


def _has_attribute(descriptor: int, name: str, value: bytes) -> bool:
    try:
        return os.getxattr(descriptor, name) == value
    except OSError:
        return False
