"""A bundle as a tar archive, plain or gzipped, written as a stream: no directory in between.

GNU format, which every tar reads: long names and names that are not UTF-8 as they are. Owners are root, times are whole
seconds, so the same plan gives the same bytes for every user and number of threads.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from types import TracebackType
from typing import BinaryIO

from bundler.errors import OutputFailed
from bundler.plan.entries import Deferred, Digest, Directory, Entry, Link, Literal, Patched, Source
from bundler.sinks import Written
from bundler.sinks.copying import chunks
from bundler.sinks.directory import remove_tree
from bundler.sinks.parallel_gzip import ParallelGzip
from bundler.sinks.placement import Target

_BLOCK = tarfile.BLOCKSIZE
_DEFAULT_LEVEL = 6
_NANOSECONDS = 1_000_000_000


class TarSink:
    """Streams entries into an archive beside `out`; see `sinks.Sink`. `top` is a folder put above them all."""

    def __init__(
        self,
        out: str,
        *,
        force: bool,
        top: str = "",
        gzip: bool = True,
        level: int | None = None,
        threads: int = 2,
    ) -> None:
        self._target = Target(out, force=force)
        self._top = top.strip("/")
        self._gzip = gzip
        self._level = _DEFAULT_LEVEL if level is None else level
        self._threads = threads
        self._digests: dict[str, Digest] = {}
        self._entries = 0

    def __enter__(self) -> TarSink:
        """Check the target, open the temporary file."""
        self._target.check_file()
        self._temporary = self._target.make_temporary()
        self._path = os.path.join(self._temporary, "archive")
        self._file: BinaryIO = open(self._path, "xb")
        self._stream: BinaryIO | ParallelGzip = self._file
        if self._gzip:
            self._stream = ParallelGzip(self._file, level=self._level, threads=self._threads)
        if self._top:
            self._header(_info(f"{self._top}/", tarfile.DIRTYPE, 0o755, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close and remove what is not in place."""
        if isinstance(self._stream, ParallelGzip):
            self._stream.abandon()
        self._file.close()
        remove_tree(self._temporary)

    def add(self, entry: Entry) -> None:
        """Write one entry's header and bytes."""
        self._entries += 1
        name = f"{self._top}/{entry.path}" if self._top else entry.path
        match entry.content:
            case Directory():
                self._header(_info(name + "/", tarfile.DIRTYPE, entry.mode, entry.mtime_ns))
            case Link(target):
                info = _info(name, tarfile.SYMTYPE, 0o777, entry.mtime_ns)
                info.linkname = target
                self._header(info)
            case _:
                self._add_file(entry, name)

    def finish(self) -> Written:
        """End the archive and put it in place."""
        self._stream.write(bytes(2 * _BLOCK))
        if isinstance(self._stream, ParallelGzip):
            self._stream.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        size = os.stat(self._path).st_size
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(self._path, 0o666 & ~umask)
        self._target.put_file(self._path)
        return Written(self._target.path, self._digests, self._entries, size)

    def _add_file(self, entry: Entry, name: str) -> None:
        if isinstance(entry.content, Deferred):
            data = entry.content.make(self._digests)
            stream = iter((data,))
            size = len(data)
        else:
            stream = chunks(entry, self._digests)
            size = _size(entry)
        info = _info(name, tarfile.REGTYPE, entry.mode, entry.mtime_ns)
        info.size = size
        self._header(info)
        hasher = hashlib.sha256()
        written = 0
        for chunk in stream:
            hasher.update(chunk)
            self._stream.write(chunk)
            written += len(chunk)
        if written != size:
            raise OutputFailed(f"{entry.path} changed while it was packed")
        self._stream.write(bytes(-size % _BLOCK))
        self._digests[entry.path] = Digest(hasher.digest(), size)

    def _header(self, info: tarfile.TarInfo) -> None:
        self._stream.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))


def _info(name: str, kind: bytes, mode: int, mtime_ns: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = mode
    info.mtime = max(0, mtime_ns // _NANOSECONDS)
    return info


def _size(entry: Entry) -> int:
    match entry.content:
        case Source(_, size):
            return size
        case Patched(_, patch):
            return patch.size
        case Literal(data):
            return len(data)
        case _:
            raise TypeError(f"{entry.path} has no size yet")
