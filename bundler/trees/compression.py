"""The plain bytes behind a compressed stream."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, cast

from bundler.machine import os
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD
from bundler.trees.frames import Part, find_frames, read_frames, rest_of

_CHUNK = 1 << 20
_READ = 1 << 16
_MOST_MEMORY = 256 << 20
"""Bytes for the dictionary of xz: `xz -9` needs 65 MiB."""
_GZIP = b"\x1f\x8b"
_ZSTD_HEADER = 18  # bytes: the longest header of a frame (RFC 8878, 3.1.1.1)
_RLE = 1
_SKIPPABLE, _SKIPPABLE_HIGH = b"\x2a\x4d\x18", 0x5  # a frame without content: 0x184D2A50 to 0x184D2A5F (3.1.2)
_INDEX = 0x5B  # of those bundler's own, with which a seek table comes (`sinks.archives.frame_codecs`)


@contextmanager
def decompressed(file: io.BufferedReader) -> Iterator[IO[bytes]]:
    """The plain stream behind the position of `file`, whatever it is compressed with.

    One that is cut off or damaged raises some error before its end has been read.
    """
    head = file.peek(6)
    codec = GZIP if head.startswith(_GZIP) else ZSTANDARD if head.startswith(b"\x28\xb5\x2f\xfd") else None
    part = rest_of(file)
    found = find_frames(part, codec) if codec is not None and part is not None else None
    if codec is not None and part is not None and found is not None:
        with read_frames(part, codec, found) as frames:
            yield frames
    elif head.startswith(_GZIP):
        with gzip.open(file) as stream:
            yield stream  # type: ignore[misc]
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        _check_frames(file)
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as reader:
            yield io.BufferedReader(reader)
    elif head.startswith(b"\xfd7zXZ"):
        yield io.BufferedReader(_XzStream(file))
    elif head.startswith(b"BZh"):
        with bz2.open(file) as stream:
            yield stream
    else:
        yield file


@contextmanager
def decompressed_part(part: Part) -> Iterator[tuple[IO[bytes], Callable[[], str]]]:
    """The plain stream behind a part of a file, and what gives the SHA-256 of the part (hexadecimal) when that was read to its end.

    See `decompressed`.
    """
    found = find_frames(part, GZIP) if os.pread(part.descriptor, len(_GZIP), part.start) == _GZIP else None
    if found is None:
        hashed = HashedFile(cast(IO[bytes], PartFile(part)))
        with decompressed(io.BufferedReader(hashed)) as stream:
            yield stream, hashed.rest_digest
        return
    stopped = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as pool, read_frames(part, GZIP, found) as stream:
        digest = pool.submit(_digest, part, stopped)
        try:
            yield stream, digest.result
        finally:
            stopped.set()


def _digest(part: Part, stopped: threading.Event) -> str:
    """The SHA-256 of a part, in hexadecimal; of less of it where that is `stopped`."""
    hasher = hashlib.sha256()
    at = part.start
    while not stopped.is_set() and (data := os.pread(part.descriptor, min(_CHUNK, part.end - at), at)):
        hasher.update(data)
        at += len(data)
    return hasher.hexdigest()


class _XzStream(io.RawIOBase):
    """The plain bytes of a stream of xz, which may be several: with a bound to the memory, unlike `lzma.open`."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._decoder = _xz_decoder()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes. Raises EOFError for a stream that is cut off, LZMAError for a damaged one."""
        plain = b""
        while not plain:
            data = self._decoder.unused_data or (self._file.read(_READ) if self._decoder.needs_input else b"")
            if self._decoder.eof:
                data = data.lstrip(b"\0") or self._file.read(_READ).lstrip(b"\0")  # streams may be padded
                if not data and not self._file.peek(1):
                    return 0
                if not data:
                    continue
                self._decoder = _xz_decoder()
            elif not data and self._decoder.needs_input:
                raise EOFError("the compressed stream is cut off")
            plain = self._decoder.decompress(data, len(buffer))
        buffer[: len(plain)] = plain
        return len(plain)


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, _MOST_MEMORY)


class PartFile(io.RawIOBase):
    """A part of a file as one that is read once."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._at = part.start

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes."""
        data = os.pread(self._part.descriptor, min(len(buffer), self._part.end - self._at), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _check_frames(file: io.BufferedReader) -> None:
    """Raise EOFError for a zstd stream that is cut off: the library says nothing of that. Blocks are skipped by their sizes."""
    import zstandard

    if not file.seekable():
        return
    start = file.tell()
    end = file.seek(0, os.SEEK_END)
    at = start
    kinds: list[int] = []
    while at < end:
        file.seek(at)
        header = file.read(_ZSTD_HEADER)
        if header[1:4] == _SKIPPABLE and header[0] >> 4 == _SKIPPABLE_HIGH:
            kinds.append(header[0])
            at += 8 + int.from_bytes(header[4:8], "little")
            last = True
            continue
        at += zstandard.frame_header_size(header)
        last = False
        while not last and at < end:
            file.seek(at)
            block = int.from_bytes(file.read(3), "little")  # RFC 8878, 3.1.1.2
            last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
            at += 3 + (1 if kind == _RLE else size)
        if not last:
            break
        at += 4 * zstandard.get_frame_parameters(header).has_checksum
    if at != end or not last or kinds == [_INDEX]:
        raise EOFError(f"the compressed stream ends {max(at - end, 1)} bytes early or more")
    file.seek(start)


class HashedFile(io.RawIOBase):
    """Passes the bytes of a file on, and hashes them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hasher = hashlib.sha256()

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer` with the next bytes."""
        data = self._file.read(len(buffer)) or b""
        buffer[: len(data)] = data
        self._hasher.update(data)
        return len(data)

    def rest_digest(self) -> str:
        """Read the file to its end; the SHA-256 of all of it, in hexadecimal."""
        while chunk := self._file.read(_CHUNK):
            self._hasher.update(chunk)
        return self._hasher.hexdigest()
