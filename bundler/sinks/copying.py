"""Bytes from a source to a new file, hashed on the way."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator

from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.plan.entries import Deferred, Digest, Digests, Entry, Literal, Patched, Source

CHUNK = 1 << 20
_BUFFER = 1 << 18
_FICLONE = 0x40049409  # linux/fs.h


def chunks(entry: Entry, digests: Digests) -> Iterator[bytes]:
    """The bytes of a file entry, in chunks of at most 1 MiB. OutputFailed where the source changed since planning."""
    match entry.content:
        case Literal(data):
            yield data
        case Deferred(make):
            yield make(digests)
        case Source(path, size):
            with open(path, "rb", buffering=0) as file:
                left = size
                while chunk := file.read(min(CHUNK, left)):
                    yield chunk
                    left -= len(chunk)
                if left or file.read(1):
                    raise _changed(path)
        case Patched(path, patch):
            with open(path, "rb") as file:
                yield from patch.read(file)
        case _:
            raise TypeError(f"{entry.path} is no file")


def write_file(entry: Entry, target: str, digests: Digests, link: LinkMode) -> tuple[Digest, bool]:
    """Make the file `target` from an entry, with its mode and time; give its digest and whether it is a hard link."""
    content = entry.content
    if isinstance(content, Source) and link is LinkMode.HARDLINK and _hard_link(content.path, target):
        return _hash(entry, digests), True
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if (
            isinstance(content, Source)
            and link in (LinkMode.AUTO, LinkMode.REFLINK)
            and _clone(content, descriptor, link)
        ):
            digest = _hash(entry, digests)
        elif isinstance(content, Source):
            digest = _copy_small(content, descriptor) if content.size < _BUFFER else _copy_large(content, descriptor)
        else:
            digest = _copy(entry, descriptor, digests)
        os.fchmod(descriptor, entry.mode)
        os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
    finally:
        os.close(descriptor)
    return digest, False


def _copy_small(source: Source, descriptor: int) -> Digest:
    """A file of one chunk, with as few steps as there can be: environments have tens of thousands of them."""
    reader = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(reader, source.size + 1)
    finally:
        os.close(reader)
    if len(data) != source.size:
        raise _changed(source.path)
    _write_all(descriptor, data)
    return Digest(hashlib.sha256(data).digest(), len(data))


def _changed(path: str) -> OutputFailed:
    return OutputFailed(f"{path} changed while it was packed", "pack again when nothing writes to it")


def _copy(entry: Entry, descriptor: int, digests: Digests) -> Digest:
    hasher = hashlib.sha256()
    size = 0
    for chunk in chunks(entry, digests):
        hasher.update(chunk)
        size += len(chunk)
        _write_all(descriptor, chunk)
    return Digest(hasher.digest(), size)


def _copy_large(source: Source, descriptor: int) -> Digest:
    """A file of many chunks, through one buffer that stays in the processor's cache."""
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(_BUFFER))
    left = source.size
    reader = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while count := os.readv(reader, [buffer]):
            left -= count
            chunk = buffer[:count]
            hasher.update(chunk)
            _write_all(descriptor, chunk)
    finally:
        os.close(reader)
    if left:
        raise _changed(source.path)
    return Digest(hasher.digest(), source.size)


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _hash(entry: Entry, digests: Digests) -> Digest:
    hasher = hashlib.sha256()
    size = 0
    for chunk in chunks(entry, digests):
        hasher.update(chunk)
        size += len(chunk)
    return Digest(hasher.digest(), size)


def _hard_link(source: str, target: str) -> bool:
    """Link where that is possible; not across file systems, over the link limit, or for others' files.

    A source that is a symbolic link stands for what it leads to.
    """
    try:
        os.link(os.path.realpath(source) if os.path.islink(source) else source, target)
    except OSError as error:
        if error.errno in (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES, errno.EOPNOTSUPP):
            return False
        raise
    return True


def _clone(source: Source, descriptor: int, link: LinkMode) -> bool:
    """Share the source's blocks copy-on-write, where the file system can."""
    if source.size == 0:
        return False
    with open(source.path, "rb", buffering=0) as file:
        try:
            fcntl.ioctl(descriptor, _FICLONE, file.fileno())
        except OSError as error:
            if link is LinkMode.REFLINK:
                raise OutputFailed(
                    f"{source.path} cannot be reflinked to the output: {error.strerror}",
                    "use --link auto, or an output on the same btrfs or XFS file system",
                ) from error
            return False
    return True


def can_reflink(folder: str) -> bool:
    """Whether the file system of `folder` clones files at all: asked once rather than for each file."""
    with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as other:
        one.write(b"x")
        one.flush()
        try:
            fcntl.ioctl(other.fileno(), _FICLONE, one.fileno())
        except OSError:
            return False
    return True
