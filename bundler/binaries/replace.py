"""A patched file on disk: a new file and a rename, or the old one's own bytes changed.

A new file breaks a hard link on purpose: an installer's cache on the other end keeps its bytes.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from typing import BinaryIO

from bundler.binaries.patch import Computed, Literal, Patch, Range, Zeros
from bundler.binaries.reading import SMALL, in_memory
from bundler.errors import OutputFailed
from bundler.files import copy_range, replacing, write_at
from bundler.machine import os

_CHUNK = 1 << 20


def open_source(path: str) -> BinaryIO:
    """Open the regular file behind `path` for reading, so that its times stay. Raises OutputFailed for anything else."""
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

    A symlink at `path` stays, and what it leads to is replaced. A device or a pipe at `path` is written to, and has
    attributes of its own. Raises OutputFailed, with nothing changed, for what `check_target` refuses, where owner or
    attributes cannot be kept or the source changed meanwhile.
    """
    streams = check_target(path)
    before = os.fstat(source.fileno())
    whole = patch or Patch((Range(0, before.st_size),) if before.st_size else ())
    if streams:
        _stream(source, whole, path)
        return
    if os.path.islink(path):
        path = os.path.realpath(path)
    with replacing(path) as target:
        _write(source, whole, target)
        after = os.fstat(source.fileno())
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise OutputFailed(f"{path} changed while it was patched")
        _keep_attributes(source, before, target.fileno(), path)


def _stream(source: BinaryIO, whole: Patch, path: str) -> None:
    """Write all bytes, one behind the other, to the device or pipe at `path`."""
    try:
        with open(path, "wb") as stream:
            whole.write(source, stream)
    except OSError as error:
        raise OutputFailed(f"{path} cannot be written: {error.strerror}") from error


def check_target(path: str) -> bool:
    """Whether a file that is put at `path` is written to what is there: a character device or a pipe. It stays.

    Nothing and a regular file give False: they are replaced. Raises OutputFailed for all else, of which neither can be.
    """
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        return False
    mode = facts.st_mode
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a socket" if stat.S_ISSOCK(mode) else "a block device"
        raise OutputFailed(f"{path} is {kind}, and no file can be put there", "name a file")
    if os.path.islink(path) and not os.path.exists(os.path.realpath(path)):  # /dev/stdout, after its file was deleted
        raise OutputFailed(f"{path} leads to a file that has no name any more", "name a file")
    return False


def patch_in_place(path: str, patch: Patch) -> None:
    """Change the bytes of the file at `path` itself: its inode stays, and a failure half way leaves it broken.

    Raises what `check_in_place` does, with nothing changed.
    """
    with open(path, "r+b", buffering=0) as target:
        check_in_place(target, patch)
        before = os.fstat(target.fileno())
        # From the end on: nothing moves towards the start, so no byte is written over before it was read.
        for at, piece in reversed(list(_moves(patch))):
            match piece:
                case Range(offset, length) if offset != at:
                    _move_up(target, offset, at, length)
                case Range():
                    pass
                case Literal(data):
                    write_at(target.fileno(), data, at)
                case Zeros(length):
                    for start in range(0, length, _CHUNK):
                        write_at(target.fileno(), bytes(min(_CHUNK, length - start)), at + start)
                case Computed():
                    raise AssertionError("check_in_place lets none through")
        os.fchmod(target.fileno(), stat.S_IMODE(before.st_mode))  # writing takes set-user-id away
        os.utime(target.fileno(), ns=(before.st_atime_ns, before.st_mtime_ns))


def check_in_place(file: BinaryIO, patch: Patch) -> None:
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
            "its signature or checksum is made from the new file, which cannot be done in place",
            "do it without --overwrite",
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
        write_at(target.fileno(), data, to + length)


def _write(source: BinaryIO, patch: Patch, target: BinaryIO) -> None:
    """Write all pieces; ranges by the kernel, zeros as holes. A small file is written at once."""
    if patch.size <= SMALL:
        write_at(target.fileno(), b"".join(patch.read(in_memory(source))), 0)
        return
    if any(isinstance(piece, Computed) for piece in patch.pieces):
        position = 0
        for chunk in patch.read(source):
            write_at(target.fileno(), chunk, position)
            position += len(chunk)
        return
    for at, piece in _moves(patch):
        match piece:
            case Range(offset, length):
                copy_range(source.fileno(), offset, target.fileno(), at, length)
            case Literal(data):
                write_at(target.fileno(), data, at)
    if os.fstat(target.fileno()).st_size < patch.size:
        os.ftruncate(target.fileno(), patch.size)


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
    for name, value in _extended_attributes(source.fileno(), path).items():
        try:
            os.setxattr(target, name, value)
        except OSError as error:
            if not _has_attribute(target, name, value):  # a label that the system gives by itself need not be set
                raise OutputFailed(
                    f"the extended attribute {name} of {path} cannot be kept: {error.strerror}"
                ) from error
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))


def _extended_attributes(descriptor: int, path: str) -> dict[str, bytes]:
    """The extended attributes of the open file at `path`; none where the system or the file system has no such thing."""
    if not hasattr(os, "listxattr"):  # not Linux
        return {}
    try:
        return {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS):
            return {}
        raise OutputFailed(f"the extended attributes of {path} cannot be read: {error.strerror}") from error


def _has_attribute(descriptor: int, name: str, value: bytes) -> bool:
    try:
        return os.getxattr(descriptor, name) == value
    except OSError:
        return False
