"""A bundle as a zip archive: UTF-8 names, permissions and links as Info-ZIP's unzip understands them, zip64 where needed.

Members are compressed in threads, several small ones at once, and large ones in pieces.
"""

from __future__ import annotations

import datetime
import hashlib
import stat
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from bundler.entries import Deferred, Digest, Directory, Entry, Link, Literal, size_of
from bundler.errors import OutputFailed
from bundler.memory.archives import note_archive
from bundler.sinks.archives.archive import ArchiveSettings, MemberBytes
from bundler.sinks.archives.checksums import combined
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.frame_codecs import GZIP, deflate, is_deflated
from bundler.sinks.archives.frame_index import digest_of, shortened
from bundler.sinks.archives.frame_making import Gathered, known_digest
from bundler.sinks.archives.frame_queue import FrameQueue
from bundler.sinks.archives.frames import MOST, PIECE, PieceStream
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.reuse import open_reusable
from bundler.sinks.archives.zip_file import ZipFile
from bundler.sinks.archives.zip_members import deflated, field_of, key_of, members_of
from bundler.sinks.copying import changed, chunks, hash_chunks

_UNIX = 3
_DOS_DIRECTORY = 0x10
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LATEST = (2107, 12, 31, 23, 59, 58)
_LEVELS, _DEFAULT_LEVEL = range(10), 6
_LAST = b"\x03\x00"  # an empty block, the last one (RFC 1951)
_MEMBER = 512  # bytes beside a file's own, about


class _Small(NamedTuple):
    """A member that is compressed in one go, and the entry where it is a file's."""

    info: zipfile.ZipInfo
    data: bytes
    entry: Entry | None = None


class _Packed(NamedTuple):
    """Such a member, ready to be written."""

    info: zipfile.ZipInfo
    data: bytes
    extra: bytes = b""
    taken: bool = False
    digest: Digest | None = None
    entry: Entry | None = None


class ZipWriter:
    """Sends entries into a zip archive; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        self._top = f"{settings.top}/" if settings.top else ""
        self._advance = settings.advance
        self._level = level = checked_level("zip", _LEVELS, _DEFAULT_LEVEL, settings.level)
        self._batch: list[_Small] = []
        self._size = 0
        self._unsettled = False
        self._digests: dict[str, Digest] = {}
        self._check, self._hasher = 0, hashlib.sha256()  # of a large member
        top = self._info(self._top, stat.S_IFDIR | 0o755, settings.facts.root_ns) if settings.top else None
        self._zip = ZipFile(output.open())
        self._queue = FrameQueue(settings.threads, GZIP.memory(level))
        self._reusable = open_reusable(
            settings.reuse, lambda descriptor: members_of(descriptor, level), cache=settings.cache
        )
        if top is not None:
            self._batch.append(_Small(top, b""))

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter. Raises OutputFailed for a name that is not UTF-8: zip has no way to say it."""
        name = self._top + entry.path
        match entry.content:
            case Directory():
                self._batch.append(_Small(self._info(name + "/", stat.S_IFDIR | entry.mode, entry.mtime_ns), b""))
            case Link(target):
                info = self._info(name, stat.S_IFLNK | 0o777, entry.mtime_ns)
                self._batch.append(_Small(info, target.encode()))
            case Deferred(make):
                if self._unsettled:
                    self._settle()
                data = make(self._digests)
                self._digests[entry.path] = Digest(hashlib.sha256(data).digest(), len(data))
                self._file(name, entry._replace(content=Literal(data)))
            case _:
                self._unsettled = True
                self._file(name, entry)

    def end(self, digests: dict[str, Digest]) -> None:
        """Write what is left, and the directory of the archive."""
        self._settle()
        self._zip.close()
        digests.update(self._digests)

    def note(self, place: str) -> None:
        """See MemberWriter."""
        note_archive(self._zip.index)

    def notes(self) -> tuple[str, ...]:
        """What was taken over."""
        return self._reusable.notes("files")

    def stop(self) -> None:
        """Stop the compressing threads, and let go of the archive without another write to it."""
        self._queue.stop()
        self._zip.abandon()
        self._reusable.close()

    def _file(self, name: str, entry: Entry) -> None:
        info = self._info(name, stat.S_IFREG | entry.mode, entry.mtime_ns)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.file_size = size_of(entry.content)
        if info.file_size >= PIECE:
            self._send_batch()
            self._send_large(info, entry)
            return
        self._batch.append(_Small(info, b"", entry))
        self._size += _MEMBER + info.file_size
        if self._size >= MOST:
            self._send_batch()

    def _settle(self) -> None:
        """Have all written, so that every digest is known."""
        self._send_batch()
        self._queue.drain()
        self._unsettled = False

    def _send_batch(self) -> None:
        batch, size, self._batch, self._size = self._batch, self._size, [], 0
        self._queue.add(size, partial(self._pack_batch, batch))

    def _send_large(self, info: zipfile.ZipInfo, entry: Entry) -> None:
        """Send a file in pieces, which make up one stream; or all of another archive's, where that has it."""
        expected = None
        if self._reusable:
            expected = known_digest(entry) or hash_chunks(chunks(entry, {})).sha256
            kept = self._reusable.find_whole(key_of(expected, info.file_size))
            if kept is not None:
                info.CRC = kept.frame.check
                extra = field_of(kept.frame.key, kept.frame.digest, self._level)
                digest = Digest(expected, info.file_size)

                def copy() -> None:
                    self._digests[entry.path] = digest
                    self._zip.begin(info)
                    self._zip.copy(kept)
                    self._zip.end(info, extra)
                    self._reusable.count(info.compress_size, taken=True)
                    self._advance(info.file_size)

                self._queue.add(0, lambda: copy)
                return
        self._queue.add(0, lambda: partial(self._begin, info))
        stream = PieceStream(lambda _, plain: self._queue.add(len(plain), partial(self._pack_piece, plain)))
        digest = MemberBytes(entry, {}).send(stream)
        if expected is not None and digest.sha256 != expected:
            raise changed(entry.path)
        stream.end()
        self._queue.add(0, lambda: partial(self._end, info, entry.path, digest))

    # In threads.

    def _pack_batch(self, batch: Sequence[_Small]) -> Callable[[], object]:
        packed = [self._pack(small) for small in batch]
        return lambda: self._write(packed)

    def _pack(self, small: _Small) -> _Packed:
        info, data, entry = small
        if entry is None:
            info.CRC, info.file_size = zlib.crc32(data), len(data)
            return _Packed(info, data)
        sha256 = known_digest(entry) if self._reusable else None
        packed = self._taken(info, entry, sha256) if sha256 is not None else None
        if packed is not None:
            return packed
        gathered = Gathered()
        digest = MemberBytes(entry, {}).send(gathered)
        data = b"".join(gathered.parts)
        packed = self._taken(info, entry, digest.sha256, data) if self._reusable else None
        if packed is not None:
            return packed
        info.CRC = zlib.crc32(data)
        made = deflated(data, self._level)
        extra = field_of(key_of(digest.sha256, digest.size), digest_of(made), self._level)
        return _Packed(info, made, extra, False, digest, entry)

    def _taken(self, info: zipfile.ZipInfo, entry: Entry, sha256: bytes, plain: bytes | None = None) -> _Packed | None:
        """The member of another archive, if it can be taken over. One that is not proved must have these plain bytes."""
        key = key_of(sha256, info.file_size)
        proved = self._reusable.is_proved(key)
        found = self._reusable.take(key) if proved or plain is not None else None
        if found is None:
            return None
        frame, data = found
        if not proved and plain is not None and not is_deflated(data, plain):
            self._reusable.refuse(key)
            return None
        info.CRC = frame.check
        extra = field_of(frame.key, frame.digest, self._level)
        return _Packed(info, data, extra, True, Digest(sha256, info.file_size), entry)

    def _pack_piece(self, plain: bytearray) -> Callable[[], object]:
        data, check = deflate(plain, self._level), zlib.crc32(plain)
        return lambda: self._write_piece(data, check, len(plain))

    # In the order of the members.

    def _write(self, members: Sequence[_Packed]) -> None:
        for info, data, extra, taken, digest, entry in members:
            self._zip.add(info, data, extra)
            if entry is not None and digest is not None:
                self._digests[entry.path] = digest
                self._reusable.count(len(data), taken=taken)
                self._advance(digest.size)

    def _begin(self, info: zipfile.ZipInfo) -> None:
        self._zip.begin(info)
        self._check, self._hasher = 0, hashlib.sha256()

    def _write_piece(self, data: bytes, check: int, size: int) -> None:
        self._zip.write(data)
        self._hasher.update(data)
        self._check = combined(self._check, check, size)
        self._advance(size)

    def _end(self, info: zipfile.ZipInfo, path: str, digest: Digest) -> None:
        self._digests[path] = digest
        self._zip.write(_LAST)
        self._hasher.update(_LAST)
        info.CRC = self._check
        key = key_of(digest.sha256, digest.size)
        self._zip.end(info, field_of(key, shortened(self._hasher), self._level))
        self._reusable.count(info.compress_size, taken=False)

    def _info(self, name: str, mode: int, mtime_ns: int) -> zipfile.ZipInfo:
        try:
            name.encode()
        except UnicodeEncodeError:
            printable = name.encode("utf-8", "backslashreplace").decode()
            raise OutputFailed(f"{printable}: zip holds UTF-8 names only", "use a tar format") from None
        info = zipfile.ZipInfo(name, _dos_time(mtime_ns))
        info.CRC = 0  # till it is known
        info.create_system = _UNIX
        info.external_attr = mode << 16 | (_DOS_DIRECTORY if stat.S_ISDIR(mode) else 0)
        info._compresslevel = self._level  # type: ignore[attr-defined]  # public (`compress_level`) from 3.13
        return info


def _dos_time(mtime_ns: int) -> tuple[int, int, int, int, int, int]:
    """Year to second in UTC, within what zip can say (1980 to 2107, even seconds)."""
    time = datetime.datetime.fromtimestamp(mtime_ns // 1_000_000_000, datetime.timezone.utc)
    fields = (time.year, time.month, time.day, time.hour, time.minute, time.second)
    return min(max(fields, _EARLIEST), _LATEST)
