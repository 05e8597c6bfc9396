"""A bundle as a tar archive, plain or compressed, written as a stream: no directory in between.

GNU format, which every tar reads: long names and names that are not UTF-8 as they are. Owners are root and times whole
seconds, so the same plan gives the same bytes for every user and number of threads.
"""

from __future__ import annotations

import tarfile
from functools import cache

from bundler.entries import Digest, Digests, Directory, Entry, Link
from bundler.sinks.archives.archive import ArchiveSink, Content, Writer
from bundler.sinks.archives.compression import Codec, Compressor, open_compressor
from bundler.sinks.archives.output import Output

_BLOCK = tarfile.BLOCKSIZE
_NANOSECONDS = 1_000_000_000
_GATHERED = 1 << 18
_LARGEST = 8**11 - 1  # what eleven octal digits can say
_ROOT = b"0000000\0" * 2  # user and group


class TarWriter:
    """Entries as the members of a tar stream; `top` is a folder put above them all.

    Small pieces are gathered: the stream gets few large ones.
    """

    def __init__(self, stream: Writer, top: str = "") -> None:
        self._stream = stream
        self._top = f"{top}/" if top else ""
        self._gathered: list[bytes] = []
        self._size = 0

    def begin(self, time_ns: int) -> None:
        """Write the folder on top, if there is one."""
        if self._top:
            self.write(_header(self._top, tarfile.DIRTYPE, 0o755, time_ns))

    def add(self, entry: Entry, digests: Digests) -> Digest | None:
        """Write one entry's header and bytes; give the digest of a file."""
        name = self._top + entry.path
        match entry.content:
            case Directory():
                self.write(_header(name + "/", tarfile.DIRTYPE, entry.mode, entry.mtime_ns))
                return None
            case Link(target):
                self.write(_header(name, tarfile.SYMTYPE, 0o777, entry.mtime_ns, target=target))
                return None
            case _:
                content = Content(entry, digests)
                self.write(_header(name, tarfile.REGTYPE, entry.mode, entry.mtime_ns, content.size))
                digest = content.send(self)
                self.write(bytes(-content.size % _BLOCK))
                return digest

    def write(self, data: bytes) -> None:
        """Take bytes of a member into the stream."""
        if len(data) >= _GATHERED:
            self._flush()
            self._stream.write(data)
            return
        self._gathered.append(data)
        self._size += len(data)
        if self._size >= _GATHERED:
            self._flush()

    def end(self) -> None:
        """Write the end of the archive."""
        self.write(bytes(2 * _BLOCK))
        self._flush()

    def _flush(self) -> None:
        gathered, self._gathered, self._size = self._gathered, [], 0
        self._stream.write(b"".join(gathered))


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


def _header(name: str, kind: bytes, mode: int, mtime_ns: int, size: int = 0, *, target: str = "") -> bytes:
    """The header of one member, as `tarfile` makes it; for most put together here, at a fraction of the cost."""
    time = max(0, mtime_ns // _NANOSECONDS)
    encoded = name.encode("utf-8", "surrogateescape")
    if target or len(encoded) > tarfile.LENGTH_NAME or size > _LARGEST or time > _LARGEST:
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode = mode
        info.size = size
        info.mtime = time
        info.linkname = target
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    head = b"%b%07o\0%b%011o\0%011o\0" % (encoded.ljust(tarfile.LENGTH_NAME, b"\0"), mode, _ROOT, size, time)
    rest = _rest(kind)
    return head + b"%06o\0 " % (sum(head) + sum(rest) + 8 * 0x20) + rest


@cache
def _rest(kind: bytes) -> bytes:
    """What follows the checksum in a header: the same for all members of a kind."""
    info = tarfile.TarInfo()
    info.type = kind
    return info.tobuf(tarfile.GNU_FORMAT)[156:]
