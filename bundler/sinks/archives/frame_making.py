"""Frames of a tar stream: read and compressed, or taken over from an earlier archive. What is here runs in threads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bundler.entries import Digest, Digests, Entry, Literal, Patched, Source, size_of
from bundler.progress import ignore
from bundler.sinks.archives.archive import ArchiveSettings, MemberBytes
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.frame_codecs import FrameCodec
from bundler.sinks.archives.frame_index import digest_of
from bundler.sinks.archives.frames import LargeFile, Run, pieces
from bundler.sinks.archives.reuse import FindStreams, Indexed, Reusable, frames_of, open_reusable, whole_file
from bundler.sinks.archives.tar_headers import facts_in_header, header, padding
from bundler.sinks.copying import changed, chunks

_NOTHING: dict[str, Digest] = {}


class Row(NamedTuple):
    """What is kept of a frame when it is written: see `frame_index.Frame`."""

    key: Callable[[], bytes]
    """To be asked for when all is written: that of a piece tells of the whole file."""
    digest: bytes
    size: int
    plain: int
    check: int
    taken: bool = False
    """Whether it was taken over."""


class Packed(NamedTuple):
    """A frame that is ready to be written."""

    data: bytes
    row: Row
    done: int
    """Bytes of files in it."""
    digests: Digests
    """Of the files that end in it, by bundle path."""
    plain: bytes | bytearray | None
    """Its plain bytes, where somebody asks for them."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a stream is made."""

    codec: FrameCodec
    level: int
    threads: int
    reusable: Reusable = field(default_factory=Reusable)
    advance: Callable[[int], object] = ignore
    """Told of the bytes of files as they are done."""


def open_framing(codec: FrameCodec, settings: ArchiveSettings, find_streams: FindStreams = whole_file) -> Framing:
    """What the settings of an archive mean for its stream. Raises OutputFailed for a level that the codec does not have.

    `find_streams` tells where streams lie in the archives from which frames are taken over; the caller closes these.
    """
    level = checked_level(codec.name, codec.levels, codec.level, settings.level)

    def find_frames(descriptor: int) -> Iterator[Indexed]:
        return frames_of(descriptor, codec, level, find_streams)

    reusable = open_reusable(settings.reuse, find_frames, cache=settings.cache)
    return Framing(codec, level, max(1, settings.threads), reusable, settings.advance)


@dataclass(frozen=True, slots=True)
class FrameMaker:
    """Makes the frames of one stream."""

    framing: Framing
    above: str
    """What comes before the path of each entry."""
    keeps_plain: bool
    """Whether the plain bytes are asked for, too."""

    def run(self, entries: Sequence[Entry]) -> Packed:
        """The frame of small files, which are not even read where their digests are known and it can be taken over."""
        done = sum(size_of(entry.content) for entry in entries)
        known = _known_digests(entries) if self.framing.reusable and not self.keeps_plain else None
        if known is not None:
            taken = self.taken(self._key_of_run(entries, known), done)
            if taken is not None:
                return taken._replace(digests=_by_path(entries, known))
        gathered = Gathered()
        digests = [self._send(entry, gathered) for entry in entries]
        key = self._key_of_run(entries, digests)
        return self.packed(b"".join(gathered.parts), done, lambda: key, key)._replace(
            digests=_by_path(entries, digests)
        )

    def packed(
        self, plain: bytes | bytearray, done: int, key: Callable[[], bytes], wanted: bytes | None = None
    ) -> Packed:
        """The frame of plain bytes, `done` of which are of files. `wanted` is the key where it is known already."""
        packed = self.taken(wanted, done, plain) if wanted is not None else None
        if packed is None:
            framing = self.framing
            data = framing.codec.compress(plain, framing.level)
            row = Row(key, digest_of(data), len(data), len(plain), framing.codec.check(plain, data))
            packed = Packed(data, row, done, _NOTHING, None)
        return packed._replace(plain=plain) if self.keeps_plain else packed

    def taken(self, key: bytes, done: int, plain: bytes | bytearray | None = None) -> Packed | None:
        """The frame with a key, if it can be taken over. One that is not proved must have the plain bytes that are given."""
        reusable = self.framing.reusable
        proved = reusable.is_proved(key)
        found = reusable.take(key) if proved or plain is not None else None
        if found is None:
            return None
        frame, data = found
        if not proved and plain is not None and not self.framing.codec.is_compressed(data, plain):
            reusable.refuse(key)
            return None
        row = Row(lambda: key, frame.digest, frame.size, frame.plain, frame.check, taken=True)
        return Packed(data, row, done, _NOTHING, None)

    def piece(self, entry: Entry, head: bytes, part: range, key: bytes, sha256: bytes) -> Packed:
        """A piece of a large file with this digest: taken over, and else read. `head` stands before the file's bytes."""
        done = share_of_file(part, head, size_of(entry.content))
        return self.taken(key, done) or self.packed(_part_of(entry, head, part, sha256), done, lambda: key)

    def _send(self, entry: Entry, gathered: Gathered) -> bytes:
        """Gather a member's bytes; the SHA-256 of a file."""
        if not _is_file(entry):
            gathered.write(header(self.above, entry))
            return b""
        content = MemberBytes(entry, _NOTHING)
        gathered.write(header(self.above, entry, content.size))
        digest = content.send(gathered)
        gathered.write(padding(content.size))
        return digest.sha256

    def _key_of_run(self, entries: Sequence[Entry], digests: Sequence[bytes]) -> bytes:
        return key_of_run(self.above, entries, digests)


class Gathered:
    """Bytes that are written, in memory."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Take all of `data`."""
        self.parts.append(data)


def known_keys(frames: Iterable[Run | LargeFile], above: str) -> list[bytes] | None:
    """The keys of frames, from what is known without reading anything; None where that is not enough."""
    keys: list[bytes] = []
    for frame in frames:
        digests = _known_digests([frame.entry] if isinstance(frame, LargeFile) else frame.entries)
        if digests is None:
            return None
        if isinstance(frame, LargeFile):
            keys += keys_of_large(header(above, frame.entry, size_of(frame.entry.content)), frame.entry, digests[0])
        else:
            keys.append(key_of_run(above, frame.entries, digests))
    return keys


def keys_of_large(head: bytes, entry: Entry, sha256: bytes) -> list[bytes]:
    """The keys of the pieces of a large file with this digest; `head` stands before its bytes."""
    size = size_of(entry.content)
    return [key_of_piece(head, sha256, part) for part in pieces(len(head) + size + len(padding(size)))]


def key_of_run(above: str, entries: Sequence[Entry], digests: Sequence[bytes]) -> bytes:
    """The key of entries that are compressed together."""
    parts = [b"run"]
    for entry, digest in zip(entries, digests, strict=True):
        parts += (facts_in_header(above, entry, size_of(entry.content)), digest)
    return digest_of(b"".join(parts))


def key_of_piece(head: bytes, sha256: bytes, part: range) -> bytes:
    """The key of some of a member's bytes: `head` and then those of a large file with this digest."""
    return digest_of(b"piece %d to %d " % (part.start, part.stop) + head + sha256)


def share_of_file(part: range, head: bytes, size: int) -> int:
    """How many of a member's bytes in `part` are the file's, which has `size` behind `head`."""
    return max(0, min(part.stop, len(head) + size) - max(part.start, len(head)))


def known_digest(entry: Entry) -> bytes | None:
    """The SHA-256 of a file where it need not be read for it; of what is no file, nothing."""
    match entry.content:
        case Source(sha256=sha256) | Patched(sha256=sha256):
            return sha256
        case Literal(data):
            return hashlib.sha256(data).digest()
        case _:
            return b""


def _known_digests(entries: Sequence[Entry]) -> list[bytes] | None:
    digests = []
    for entry in entries:
        digest = known_digest(entry)
        if digest is None:
            return None
        digests.append(digest)
    return digests


def _by_path(entries: Sequence[Entry], digests: Sequence[bytes]) -> dict[str, Digest]:
    """The digests of those that are files."""
    return {
        entry.path: Digest(digest, size_of(entry.content))
        for entry, digest in zip(entries, digests, strict=True)
        if digest
    }


def _is_file(entry: Entry) -> bool:
    return isinstance(entry.content, (Source, Patched, Literal))


def _part_of(entry: Entry, head: bytes, part: range, sha256: bytes) -> bytes:
    """Some of a member's bytes. All of the file is read: it must still be the one with this digest."""
    hasher = hashlib.sha256()
    found: list[bytes] = []
    at = 0
    for chunk in _member(entry, head, hasher.update):
        found.append(chunk[max(0, part.start - at) : max(0, part.stop - at)])
        at += len(chunk)
    if hasher.digest() != sha256:
        raise changed(entry.path)
    return b"".join(found)


def _member(entry: Entry, head: bytes, tell: Callable[[bytes], object]) -> Iterator[bytes]:
    yield head
    for chunk in chunks(entry, _NOTHING):
        tell(chunk)
        yield chunk
    yield padding(size_of(entry.content))
