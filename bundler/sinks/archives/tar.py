"""A bundle as a tar archive, plain or compressed, written as a stream: no directory in between.

The same plan gives the same bytes for every user and number of threads.
"""

from __future__ import annotations

from collections.abc import Callable

from bundler.entries import Digest, Digests, Directory, Entry, Layer, Link, size_of
from bundler.memory.archives import note_archive
from bundler.sinks.archives import compression
from bundler.sinks.archives.archive import ArchiveSettings, MemberBytes
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD, FrameCodec
from bundler.sinks.archives.frame_making import Framing, open_framing
from bundler.sinks.archives.framed_tar import FramedTar
from bundler.sinks.archives.output import ByteStream, Output
from bundler.sinks.archives.tar_headers import END, header, padding

_GATHERED = 1 << 18


class TarStream:
    """Entries as the members of a tar stream. Small pieces are gathered: the stream gets few large ones."""

    def __init__(self, stream: ByteStream, top: str = "", time_ns: int = 0) -> None:
        """`top` is a folder put above all entries, with this time."""
        self._stream = stream
        self._above = f"{top}/" if top else ""
        self._gathered: list[bytes] = []
        self._waiting = 0
        self.size = 0
        """Bytes of the stream up to now."""
        if top:
            self.write(header(self._above, Entry("", Directory(), 0o755, time_ns, Layer.RUNTIME, "")))

    def add(self, entry: Entry, digests: Digests) -> Digest | None:
        """Write one entry's header and bytes; give the digest of a file."""
        if isinstance(entry.content, (Directory, Link)):
            self.write(header(self._above, entry))
            return None
        content = MemberBytes(entry, digests)
        self.write(header(self._above, entry, content.size))
        digest = content.send(self)
        self.write(padding(content.size))
        return digest

    def write(self, data: bytes) -> None:
        """Take bytes of a member into the stream."""
        self.size += len(data)
        if len(data) >= _GATHERED:
            self.flush()
            self._stream.write(data)
            return
        self._gathered.append(data)
        self._waiting += len(data)
        if self._waiting >= _GATHERED:
            self.flush()

    def end(self) -> None:
        """Write the end of the archive."""
        self.write(END)
        self.flush()

    def flush(self) -> None:
        """Let the stream have what was gathered."""
        gathered, self._gathered, self._waiting = self._gathered, [], 0
        self._stream.write(b"".join(gathered))


class StreamWriter:
    """Streams entries into a tar archive; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings, codec: compression.Codec) -> None:
        self._stream = compression.open_compressor(codec, output.open(), settings.level, settings.threads)
        self._tar = TarStream(self._stream, settings.top, settings.facts.root_ns)
        self._advance = settings.advance

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        digest = self._tar.add(entry, digests)
        if digest is not None:
            digests[entry.path] = digest
        self._advance(size_of(entry.content))

    def end(self, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        self._tar.end()
        self._stream.close()

    def note(self, place: str) -> None:
        """Nothing."""

    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def stop(self) -> None:
        """Stop the compressing threads."""
        self._stream.abandon()


class FrameWriter:
    """Sends entries into a tar archive of frames; see `MemberWriter`."""

    def __init__(self, framing: Framing, open_tar: Callable[[], FramedTar]) -> None:
        """`open_tar` opens the archive; what `framing` holds is let go where that fails."""
        self._framing = framing
        try:
            self._tar = open_tar()
        except BaseException:
            framing.reusable.close()
            raise

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        self._tar.add(entry, digests)

    def end(self, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        self._tar.end()
        digests.update(self._tar.digests)

    def note(self, place: str) -> None:
        """See MemberWriter."""
        note_archive(self._tar.index)

    def notes(self) -> tuple[str, ...]:
        """What was taken over."""
        return self._framing.reusable.notes()

    def stop(self) -> None:
        """Stop the compressing threads."""
        self._tar.stop()
        self._framing.reusable.close()


def gzip(output: Output, settings: ArchiveSettings) -> FrameWriter:
    """`.tar.gz`."""
    return _framed(output, settings, GZIP)


def zstd(output: Output, settings: ArchiveSettings) -> FrameWriter:
    """`.tar.zst`."""
    return _framed(output, settings, ZSTANDARD)


def xz(output: Output, settings: ArchiveSettings) -> StreamWriter:
    """`.tar.xz`."""
    return StreamWriter(output, settings, compression.XZ)


def bzip2(output: Output, settings: ArchiveSettings) -> StreamWriter:
    """`.tar.bz2`."""
    return StreamWriter(output, settings, compression.BZIP2)


def _framed(output: Output, settings: ArchiveSettings, codec: FrameCodec) -> FrameWriter:
    framing = open_framing(codec, settings)
    return FrameWriter(framing, lambda: FramedTar(output.open(), framing, settings.top, settings.facts.root_ns))
