"""A bundle as a tar archive, plain or compressed, written as a stream: no directory in between.

GNU format, which every tar reads: long names and names that are not UTF-8 as they are. Owners are root and times whole
seconds, so the same plan gives the same bytes for every user and number of threads.
"""

from __future__ import annotations

import tarfile

from bundler.plan.entries import Digest, Digests, Directory, Entry, Link
from bundler.sinks.archive import ArchiveSink, Content, Writer
from bundler.sinks.compression import Codec, Compressor, open_compressor
from bundler.sinks.output import Output

_BLOCK = tarfile.BLOCKSIZE
_NANOSECONDS = 1_000_000_000


class TarWriter:
    """Entries as the members of a tar stream; `top` is a folder put above them all."""

    def __init__(self, stream: Writer, top: str = "") -> None:
        self._stream = stream
        self._top = f"{top}/" if top else ""

    def begin(self, time_ns: int) -> None:
        """Write the folder on top, if there is one."""
        if self._top:
            self._header(_info(self._top, tarfile.DIRTYPE, 0o755, time_ns))

    def add(self, entry: Entry, digests: Digests) -> Digest | None:
        """Write one entry's header and bytes; give the digest of a file."""
        name = self._top + entry.path
        match entry.content:
            case Directory():
                self._header(_info(name + "/", tarfile.DIRTYPE, entry.mode, entry.mtime_ns))
                return None
            case Link(target):
                info = _info(name, tarfile.SYMTYPE, 0o777, entry.mtime_ns)
                info.linkname = target
                self._header(info)
                return None
            case _:
                content = Content(entry, digests)
                info = _info(name, tarfile.REGTYPE, entry.mode, entry.mtime_ns)
                info.size = content.size
                self._header(info)
                digest = content.send(self._stream)
                self._stream.write(bytes(-content.size % _BLOCK))
                return digest

    def end(self) -> None:
        """Write the end of the archive."""
        self._stream.write(bytes(2 * _BLOCK))

    def _header(self, info: tarfile.TarInfo) -> None:
        self._stream.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))


class TarSink(ArchiveSink):
    """Streams entries into a tar archive; see `sinks.Sink`."""

    def __init__(
        self, output: Output, codec: Codec, *, top: str = "", level: int | None = None, threads: int = 2
    ) -> None:
        super().__init__(output)
        self._codec = codec
        self._top = top
        self._level = level
        self._threads = threads
        self._stream: Compressor | None = None

    def start(self, output: Output) -> None:
        """Open the stream."""
        self._stream = open_compressor(self._codec, output.open(), self._level, self._threads)
        self._tar = TarWriter(self._stream, self._top)

    def write(self, entry: Entry) -> None:
        """Write one member."""
        if self._entries == 1:
            self._tar.begin(entry.mtime_ns)
        digest = self._tar.add(entry, self._digests)
        if digest is not None:
            self._digests[entry.path] = digest

    def end(self) -> None:
        """End the archive and the stream."""
        self._tar.end()
        if self._stream is not None:
            self._stream.close()

    def stop(self) -> None:
        """Stop the compressing threads."""
        if self._stream is not None:
            self._stream.abandon()


def _info(name: str, kind: bytes, mode: int, mtime_ns: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = mode
    info.mtime = max(0, mtime_ns // _NANOSECONDS)
    return info
