"""Ways to compress a stream frame by frame, and what stands around the frames.

Every decoder reads the stream, as if it had been compressed in one go. The index (`frame_index`) lies behind it, where decoders
pass it over: so the plain stream is the same with and without.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from bundler.machine import os
from bundler.sinks.archives import frames
from bundler.sinks.archives.checksums import combined
from bundler.sinks.archives.frame_index import MOST_OF_A_FRAME, Frame
from bundler.version import VERSION

_TOO_LARGE = "a frame has more bytes than any should have"
_RULES = 1  # a number for how streams are cut and compressed here


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """Where an archive has its first frame (an offset in the file), and the bytes of its index."""

    start: int
    index: bytes


@dataclass(frozen=True, slots=True)
class FrameCodec:
    """One such way."""

    name: str
    levels: range
    level: int
    """The level that is taken unless another is asked for."""
    library: Callable[[], str]
    """Which version of which library compresses."""
    memory: Callable[[int], int]
    """Bytes that one frame's compression needs at a level."""
    compress: Callable[[bytes | bytearray, int], bytes]
    """From a frame's plain bytes and the level: its compressed ones."""
    decompress: Callable[[bytes], bytes]
    """From a frame's compressed bytes the plain ones. It raises some error for what is damaged, or larger than a frame is."""
    is_compressed: Callable[[bytes, bytes | bytearray], bool]
    """Whether some bytes are what these plain ones were compressed to."""
    check: Callable[[bytes | bytearray, bytes], int]
    """From plain and compressed bytes: the checksum that the tail wants."""
    head: bytes
    """What stands before the frames."""
    tail: Callable[[Sequence[Frame], bytes, Frame, bytes], bytes]
    """What stands behind them: from the frames, the index, and the last frame, which is not in it, with its bytes."""
    last: Callable[[bytes, bytes], bytes]
    """From all that stands behind the frames that are in the index, and that: the bytes of the last frame."""
    find_index: Callable[[int, int, int], FoundIndex | None]
    """From an open file and the offsets where the stream begins and ends: what it has of an index."""


@cache
def maker(codec: FrameCodec, level: int) -> str:
    """What compresses, in words. Libraries of one version can differ still (zlib-ng, hardware): so what they make counts."""
    sample = b"".join(hashlib.sha256(b"%d" % (number // 3)).digest() for number in range(512))
    made = hashlib.sha256(codec.compress(sample, level)).hexdigest()[:16]
    return f"bundler {VERSION}, {codec.library()}, level {level}, rules {_RULES}, sample {made}"


# gzip: raw deflate data (RFC 1951), ended after each frame by a full flush: an empty stored block up to the next byte, behind
# which nothing refers to what lies before. All of it is one member (RFC 1952).

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no flags, no time, unknown operating system
_EMPTY = b"\x03\x00"  # a last, empty block
_EMPTY_MEMBER_END = _EMPTY + bytes(8)
# The index lies in the extra field of members without content, each of which holds up to 64 KiB: eStargz does likewise.
_EXTRA_HEAD = _GZIP_HEAD[:3] + b"\x04" + _GZIP_HEAD[4:]
_FIELD = struct.Struct("<H2sH")  # length of the extra field; name and length of its only part
_FIELD_NAME = b"bf"
_MOST = 0xFFFF - 4
_AROUND = len(_EXTRA_HEAD) + _FIELD.size + len(_EMPTY_MEMBER_END)
_FOOTER = struct.Struct("<Q8s")  # the length of the index, and a word to know it by
_FOOTER_WORD = b"bndlfrm1"


def deflate(plain: bytes | bytearray, level: int) -> bytes:
    """A frame of a deflate stream."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH)


def inflate(data: bytes) -> bytes:
    """The plain bytes of a frame. Raises ValueError for more than any has, and where the stream ends in it.

    What stands behind its end a plain reader would see.
    """
    reader = zlib.decompressobj(-15)
    plain = reader.decompress(data, MOST_OF_A_FRAME)
    if reader.unconsumed_tail:
        raise ValueError(_TOO_LARGE)
    if reader.eof:
        raise ValueError("the stream ends within a frame")
    return plain


def is_deflated(data: bytes, plain: bytes | bytearray) -> bool:
    """Whether some bytes are a deflate stream, or a frame of one, of these plain ones."""
    try:
        return zlib.decompressobj(-15).decompress(data, len(plain) + 1) == plain
    except zlib.error:
        return False


def whole_check(parts: Sequence[Frame]) -> int:
    """The CRC-32 of all frames' plain bytes."""
    check = 0
    for frame in parts:
        check = combined(check, frame.check, frame.plain)
    return check


def _gzip_tail(parts: Sequence[Frame], index: bytes, last: Frame, last_bytes: bytes) -> bytes:
    parts = (*parts, last)
    size = sum(frame.plain for frame in parts)
    end = last_bytes + _EMPTY + struct.pack("<II", whole_check(parts), size & 0xFFFFFFFF)
    data = index + _FOOTER.pack(len(index), _FOOTER_WORD)
    first = len(data) % _MOST  # the short one comes first: the footer is never cut in two
    cuts = [0, *range(first or _MOST, len(data) + 1, _MOST)]
    members = (data[start:stop] for start, stop in pairwise(cuts))
    return end + b"".join(
        _EXTRA_HEAD + _FIELD.pack(len(part) + 4, _FIELD_NAME, len(part)) + part + _EMPTY_MEMBER_END for part in members
    )


def _last_of_gzip(rest: bytes, index: bytes) -> bytes:
    reader = zlib.decompressobj(-15)
    reader.decompress(rest, MOST_OF_A_FRAME)
    if reader.unconsumed_tail:
        raise ValueError(_TOO_LARGE)
    return rest[: len(rest) - len(reader.unused_data) - len(_EMPTY)]


def _find_in_gzip(descriptor: int, start: int, end: int) -> FoundIndex | None:
    size = _FOOTER.size + len(_EMPTY_MEMBER_END)
    last = os.pread(descriptor, size, end - size) if end - start > size else b""
    if len(last) < size or not last.endswith(_EMPTY_MEMBER_END):
        return None
    length, word = _FOOTER.unpack_from(last)
    length += _FOOTER.size
    whole = length + -(-length // _MOST) * _AROUND
    if word != _FOOTER_WORD or whole > end - start:
        return None
    found = os.pread(descriptor, whole, end - whole)
    data = b""
    at = 0
    while found.startswith(_EXTRA_HEAD, at):
        _, _, size = _FIELD.unpack_from(found, at + len(_EXTRA_HEAD))
        at += len(_EXTRA_HEAD) + _FIELD.size
        data += found[at : at + size]
        at += size + len(_EMPTY_MEMBER_END)
    return FoundIndex(start + len(_GZIP_HEAD), data[: -_FOOTER.size])


# zstd: independent frames (RFC 8878) with checksum and size; the index in a skippable frame, and a seek table as the last one
# (zstd's contrib/seekable_format, version 0.1.0).

_SKIPPABLE, _SEEK_TABLE = 0x184D2A5B, 0x184D2A5E
_SKIP_HEAD = struct.Struct("<II")
_SEEK_ROW = struct.Struct("<III")  # compressed and plain size, checksum
_SEEK_FOOTER = struct.Struct("<IBI")  # number of frames, flags, magic
_WITH_CHECKSUMS, _SEEK_MAGIC = 0x80, 0x8F92EAB1
_CHECK_OF_NOTHING = 0x51D8E999  # the lower half of XXH64 without any input


def _zstd(plain: bytes | bytearray, level: int) -> bytes:
    import zstandard

    # A new one for each frame: nothing of the frames before is left in it.
    return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True).compress(plain)


def _plain_zstd(data: bytes) -> bytes:
    import zstandard

    if zstandard.frame_content_size(data) > MOST_OF_A_FRAME:  # so much room it would make at once
        raise ValueError(_TOO_LARGE)
    # What stands behind the frame a plain reader would take for more of the stream.
    return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)


def _is_zstd_of(data: bytes, plain: bytes | bytearray) -> bool:
    import zstandard

    try:
        whole = zstandard.frame_content_size(data) == len(plain)
        return whole and _plain_zstd(data) == plain
    except zstandard.ZstdError:
        return False


def _zstd_memory(level: int) -> int:
    import zstandard

    parameters = zstandard.ZstdCompressionParameters.from_level(level, source_size=frames.PIECE)
    return parameters.estimated_compression_context_size()


def _zstd_library() -> str:
    import zstandard

    return "zstd " + ".".join(map(str, zstandard.ZSTD_VERSION))


def _zstd_tail(parts: Sequence[Frame], index: bytes, last: Frame, last_bytes: bytes) -> bytes:
    """The last frame comes behind the index: where the file is cut off between frames, it is lacking, and a reader tells."""
    skipped = _SKIP_HEAD.pack(_SKIPPABLE, len(index)) + index
    rows = [_SEEK_ROW.pack(frame.size, frame.plain, frame.check) for frame in (*parts, last)]
    rows.insert(len(parts), _SEEK_ROW.pack(len(skipped), 0, _CHECK_OF_NOTHING))
    table = b"".join(rows) + _SEEK_FOOTER.pack(len(rows), _WITH_CHECKSUMS, _SEEK_MAGIC)
    return skipped + last_bytes + _SKIP_HEAD.pack(_SEEK_TABLE, len(table)) + table


def _last_of_zstd(rest: bytes, index: bytes) -> bytes:
    (size, _, _) = _SEEK_ROW.unpack_from(rest, len(rest) - _SEEK_FOOTER.size - _SEEK_ROW.size)
    start = _SKIP_HEAD.size + len(index)
    return rest[start : start + size]


def _find_in_zstd(descriptor: int, start: int, end: int) -> FoundIndex | None:
    size = 2 * _SEEK_ROW.size + _SEEK_FOOTER.size
    last = os.pread(descriptor, size, end - size) if end - start > size else b""
    if len(last) < size:
        return None
    length, plain, _ = _SEEK_ROW.unpack_from(last)
    behind, _, _ = _SEEK_ROW.unpack_from(last, _SEEK_ROW.size)
    count, _, magic = _SEEK_FOOTER.unpack_from(last, 2 * _SEEK_ROW.size)
    at = end - _SKIP_HEAD.size - count * _SEEK_ROW.size - _SEEK_FOOTER.size - behind - length
    if magic != _SEEK_MAGIC or plain or at < start:
        return None
    found = os.pread(descriptor, length, at)
    if len(found) < _SKIP_HEAD.size or _SKIP_HEAD.unpack_from(found) != (_SKIPPABLE, length - _SKIP_HEAD.size):
        return None
    return FoundIndex(start, found[_SKIP_HEAD.size :])


GZIP = FrameCodec(
    "gzip",
    range(10),
    6,
    library=lambda: f"zlib {zlib.ZLIB_RUNTIME_VERSION}",
    memory=lambda level: 1 << 19,
    compress=deflate,
    decompress=inflate,
    is_compressed=is_deflated,
    check=lambda plain, data: zlib.crc32(plain),
    head=_GZIP_HEAD,
    tail=_gzip_tail,
    last=_last_of_gzip,
    find_index=_find_in_gzip,
)
ZSTANDARD = FrameCodec(
    "zstd",
    range(1, 20),
    3,
    library=_zstd_library,
    memory=_zstd_memory,
    compress=_zstd,
    decompress=_plain_zstd,
    is_compressed=_is_zstd_of,
    check=lambda plain, data: int.from_bytes(data[-4:], "little"),
    head=b"",
    tail=_zstd_tail,
    last=_last_of_zstd,
    find_index=_find_in_zstd,
)
