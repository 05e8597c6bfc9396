"""Bytes from a source to a new file, hashed on the way.

Where the plan knows a file's digest, it is not computed again if the file's stamp is still the one that it is known for when the
bytes have been taken.
"""

from __future__ import annotations

import errno
import hashlib
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, TypeVar

from bundler.entries import CONTENT_SIZE, Deferred, Digest, Digests, Entry, Literal, Patched, Source, Stamp, stamp_of
from bundler.errors import OutputFailed
from bundler.files import copy_in_kernel, named
from bundler.machine import HAS_DRIVES, os
from bundler.machine.blocks import clone
from bundler.options import LinkMode
from bundler.permissions import has_capabilities

Chunk = TypeVar("Chunk", bound="bytes | memoryview")
SMALL = 1 << 18
"""Bytes up to which a file is taken in one piece."""
_TRIES = 8  # a tick of the clock can fall between two of them, not between all
_AGAIN = "pack again when nothing writes to it"
_CANNOT_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EACCES, errno.EOPNOTSUPP)


def chunks(entry: Entry, digests: Digests) -> Iterator[bytes]:
    """The bytes of a file entry, in chunks of at most 1 MiB. OutputFailed where the source changed since planning."""
    match entry.content:
        case Literal(data):
            yield data
        case Deferred(make):
            yield make(digests)
        case Source(path):
            reader = open_source(path)
            try:
                yield from source_chunks(entry.content, reader)
            finally:
                os.close(reader)
        case Patched(path, patch):
            with open(open_source(path), "rb") as file:
                yield from reading(patch.read(file), path)
                same_as_known(file.fileno(), entry.content)
        case _:
            raise TypeError(f"{entry.path} is no file")


def open_source(path: str) -> int:
    """A descriptor to read the source at a path. Raises OutputFailed where it is gone, OSError."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise gone(path) from error


def source_chunks(source: Source, reader: int) -> Iterator[bytes]:
    """The bytes of an open source. Raises OutputFailed where they are not those of when the plan was made."""
    left = source.size
    while left >= 0 and (chunk := _read(source, reader, min(SMALL, left + 1))):
        left -= len(chunk)
        if left >= 0:
            yield chunk
    if left:
        raise changed(source.path)
    same_as_known(reader, source)


def _read(source: Source, reader: int, size: int) -> bytes:
    try:
        return os.read(reader, size)
    except OSError as error:
        raise named(error, source.path) from None


def reading(data: Iterable[Chunk], path: str) -> Iterator[Chunk]:
    """The chunks of a file at a path, which an error in reading is told of."""
    try:
        yield from data
    except OSError as error:
        raise named(error, path) from None


def send(data: Iterable[Chunk], write: Callable[[Chunk], object], known: bytes | None) -> Digest:
    """Write chunks, and hash them unless their SHA-256 is `known`."""
    hasher = hashlib.sha256()
    size = 0
    for chunk in data:
        if known is None:
            hasher.update(chunk)
        size += len(chunk)
        write(chunk)
    return Digest(known or hasher.digest(), size)


def hash_chunks(data: Iterable[bytes]) -> Digest:
    """The digest of chunks that go nowhere."""
    return send(data, _drop, None)


def write_file(
    entry: Entry, target: str, digests: Digests, link: LinkMode, owner: int | None = None
) -> tuple[Digest, Stamp | None]:
    """Make the file `target` from an entry, with its mode and time. Hard links are to files of root and of the user
    `owner`, where these have the entry's permissions; to any where nobody is named.

    Gives its digest, and for a hard link the stamp that the source and it have now.
    """
    content = entry.content
    if isinstance(content, Source) and link is LinkMode.HARDLINK:
        linked = _hard_link(content, target, entry.mode, owner)
        if linked is not None:
            digest, stamp = linked
            return digest or hash_chunks(chunks(entry, digests)), stamp
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            if isinstance(content, Source):
                digest = _fill(content, descriptor, link)
            else:
                digest = _copy(entry, descriptor, digests)
            os.fchmod(descriptor, entry.mode)
            os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise named(error, target) from None
    return digest, None


def same_as_known(descriptor: int, source: Source | Patched) -> bool:
    """Whether an open source is still the one whose digest is known: then so is all that was read of it.

    Raises OutputFailed where it was another file when the plan was made, or had another content. (A hard link to it, or a new mode,
    changes the stamp as well; then it is read.)
    """
    if not source.stamp:
        return False
    stamp = stamp_of(os.fstat(descriptor))
    if stamp[:CONTENT_SIZE] != source.stamp[:CONTENT_SIZE]:
        raise changed(source.path)
    return source.sha256 is not None and stamp == source.stamp


def read_small(source: Source, reader: int) -> tuple[bytes, Digest]:
    """All of a small file, with as few steps as there can be: environments have tens of thousands of them.

    Raises OutputFailed where its size is not what it was.
    """
    data = _read(source, reader, source.size + 1)
    if len(data) != source.size:
        data = b"".join((data, *source_chunks(source._replace(size=source.size - len(data)), reader)))
    if same_as_known(reader, source) and source.sha256 is not None:
        return data, Digest(source.sha256, len(data))
    return data, Digest(hashlib.sha256(data).digest(), len(data))


def changed(path: str) -> OutputFailed:
    """What to raise for a source that is not what it was when the plan was made."""
    return OutputFailed(f"{path} changed while it was packed", _AGAIN)


def gone(path: str) -> OutputFailed:
    """What to raise for a source that is not there any more."""
    return OutputFailed(f"{path} was there when the pack began, and is gone", _AGAIN)


def _fill(source: Source, descriptor: int, link: LinkMode) -> Digest:
    """The source's bytes into a new, empty file."""
    reader = open_source(source.path)
    try:
        if link in (LinkMode.AUTO, LinkMode.REFLINK) and _clone(source, reader, descriptor, link):
            return _digest_of_copy(source, reader, descriptor)
        if source.size < SMALL:
            data, digest = read_small(source, reader)
            _write_all(descriptor, data)
            return digest
        if source.sha256 is not None and copy_in_kernel(reader, 0, descriptor, 0, source.size) == source.size:
            return _digest_of_copy(source, reader, descriptor)
        return send(_views(source, reader), lambda chunk: _write_all(descriptor, chunk), None)
    finally:
        os.close(reader)


def _copy(entry: Entry, descriptor: int, digests: Digests) -> Digest:
    """Literal, patched and deferred content."""

    def write(chunk: bytes | memoryview) -> None:
        _write_all(descriptor, chunk)

    if isinstance(entry.content, Patched):
        with open(open_source(entry.content.path), "rb") as file:
            return send_patched(entry.content, file, write)
    return send(chunks(entry, digests), write, None)


def send_patched(patched: Patched, file: BinaryIO, write: Callable[[bytes], object]) -> Digest:
    """Write a patched file's bytes; `file` is its source. They are hashed unless the digest is known."""
    known = patched.sha256 if same_as_known(file.fileno(), patched) else None
    digest = send(reading(patched.patch.read(file), patched.path), write, known)
    if not same_as_known(file.fileno(), patched) and known is not None:
        raise changed(patched.path)
    return digest


def _views(source: Source, reader: int) -> Iterator[memoryview]:
    """The bytes of a file of many chunks, each in the same buffer, which stays in the processor's cache."""
    buffer = memoryview(bytearray(SMALL))
    left = source.size
    while count := _read_into(source, reader, buffer):
        left -= count
        yield buffer[:count]
    if left:
        raise changed(source.path)
    same_as_known(reader, source)


def _read_into(source: Source, reader: int, buffer: memoryview) -> int:
    try:
        return os.readv(reader, [buffer])
    except OSError as error:
        raise named(error, source.path) from None


def _digest_of_copy(source: Source, reader: int, descriptor: int) -> Digest:
    """The digest of what was copied unseen: the known one, or that of the copy."""
    if same_as_known(reader, source) and source.sha256 is not None:
        return Digest(source.sha256, source.size)
    if os.fstat(reader).st_size != source.size:
        raise changed(source.path)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return send(_views(source._replace(stamp=None), descriptor), _drop, None)


def _drop(_chunk: bytes | memoryview) -> None:
    pass


def _write_all(descriptor: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _hard_link(source: Source, target: str, mode: int, owner: int | None) -> tuple[Digest | None, Stamp] | None:
    """Link where that is possible; not across file systems, over the link limit, or for others' files.

    A link has the owner, the mode and the capabilities of its source: where those are not to be the bundle's, there is none.
    A source that is a symbolic link stands for what it leads to. Gives the digest where it is known, and the new stamp: a link
    changes the `ctime`.
    """
    path = source.path
    try:
        before = os.lstat(path)
        if stat.S_ISLNK(before.st_mode):
            path = os.path.realpath(path)
            before = os.stat(path)
        if not HAS_DRIVES and not _may_be_shared(path, before, mode, owner):
            return None
        os.link(path, target)
    except FileNotFoundError as error:
        raise gone(source.path) from error
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return None
        raise
    after = os.lstat(target)
    same = (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)
    if source.sha256 is not None and same and stamp_of(before) == source.stamp:
        return Digest(source.sha256, source.size), stamp_of(after)
    return None, stamp_of(after)


def _may_be_shared(path: str, facts: os.stat_result, mode: int, owner: int | None) -> bool:
    """Whether a file may be one with a bundle's that has this mode and is the user's `owner`; None for one that nobody keeps."""
    if owner is None:
        return True
    is_own = facts.st_uid in (0, owner) and stat.S_IMODE(facts.st_mode) == mode
    return is_own and not (mode & 0o111 and has_capabilities(path))


def _clone(source: Source, reader: int, descriptor: int, link: LinkMode) -> bool:
    """Share the source's blocks copy-on-write, where the file system can."""
    if source.size == 0:
        return False
    try:
        clone(reader, descriptor)
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
    try:
        with tempfile.TemporaryFile(dir=folder) as one, tempfile.TemporaryFile(dir=folder) as other:
            one.write(b"x")
            one.flush()
            try:
                clone(one.fileno(), other.fileno())
            except OSError:
                return False
    except OSError as error:
        raise named(error, folder) from None
    return True


def every_change_shows(folder: str) -> bool:
    """Whether the file system of `folder` gives each change of a file that is looked at a `ctime` of its own.

    Linux does so from 6.13 on (multigrain timestamps). Before, changes within a tick of the clock look like one, and what was
    done right after a hard link could be taken for it.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        times = set()
        for number in range(_TRIES):
            os.fchmod(file.fileno(), 0o600 + 0o040 * (number % 2))
            times.add(os.fstat(file.fileno()).st_ctime_ns)
    return len(times) == _TRIES
