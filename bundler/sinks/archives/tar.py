"""A bundle as a tar archive, plain or compressed, written as a stream: no directory in between.

GNU format, which every tar reads: long names and names that are not UTF-8 as they are. Owners are root and times whole
seconds, so the same plan gives the same bytes for every user and number of threads.
"""

from __future__ import annotations

import tarfile
from functools import cache

from bundler.entries import Digest, Digests, Directory, Entry, Link
from bundler.sinks.archives import compression
from bundler.sinks.archives.archive import ArchiveSettings, MemberBytes
from bundler.sinks.archives.output import ByteStream, Output

_BLOCK = tarfile.BLOCKSIZE
_NANOSECONDS = 1_000_000_000
_GATHERED = 1 << 18
_LARGEST = 8**11 - 1  # what eleven octal digits can say
_ROOT = b"0000000\0" * 2  # user and group


class TarStream:
    """Entries as the members of a tar stream. Small pieces are gathered: the stream gets few large ones."""

    def __init__(self, stream: ByteStream, top: str = "", time_ns: int = 0) -> None:
        """`top` is a folder put above all entries, with this time."""
        self._stream = stream
        self._top = f"{top}/" if top else ""
        self._gathered: list[bytes] = []
        self._size = 0
        if top:
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
                content = MemberBytes(entry, digests)
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


class TarWriter:
    """Streams entries into a tar archive; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings, codec: compression.Codec) -> None:
        self._stream = compression.open_compressor(codec, output.open(), settings.level, settings.threads)
        self._tar = TarStream(self._stream, settings.top, settings.facts.root_ns)

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        digest = self._tar.add(entry, digests)
        if digest is not None:
            digests[entry.path] = digest

    def end(self, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        self._tar.end()
        self._stream.close()

    def stop(self) -> None:
        """Stop the compressing threads."""
        self._stream.abandon()


def plain(output: Output, settings: ArchiveSettings) -> TarWriter:
    """`.tar`."""
    return TarWriter(output, settings, compression.PLAIN)


def gzip(output: Output, settings: ArchiveSettings) -> TarWriter:
    """`.tar.gz`."""
    return TarWriter(output, settings, compression.GZIP)


def zstd(output: Output, settings: ArchiveSettings) -> TarWriter:
    """`.tar.zst`."""
    return TarWriter(output, settings, compression.ZSTANDARD)


def xz(output: Output, settings: ArchiveSettings) -> TarWriter:
    """`.tar.xz`."""
    return TarWriter(output, settings, compression.XZ)


def bzip2(output: Output, settings: ArchiveSettings) -> TarWriter:
    """`.tar.bz2`."""
    return TarWriter(output, settings, compression.BZIP2)


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
