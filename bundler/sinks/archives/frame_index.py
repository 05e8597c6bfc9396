"""What an archive tells of its frames, so that the next pack can take over those whose content is the same.

The index lies where readers pass it over (`frame_codecs`). It follows from the plan and the codec, as all bytes of an archive do.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_MAGIC = b"bundler frames 1\n"
_DIGEST = 16
_COUNT = struct.Struct("<I")
_FRAME = struct.Struct(f"<{_DIGEST}s{_DIGEST}sIII")
_SEAL = 32
_DAMAGED = "its index is damaged"
MOST_OF_A_FRAME = 32 << 20
"""Plain bytes of a frame: `frames` makes none that has nearly as many."""


class Frame(NamedTuple):
    """A frame as it was written."""

    key: bytes
    """The digest of all that decides its plain bytes: headers, the SHA-256 of files, the range of a piece."""
    digest: bytes
    """That of its compressed bytes."""
    size: int
    """Of its compressed bytes."""
    plain: int
    """The size of its plain bytes."""
    check: int
    """The checksum that the codec has for its plain bytes."""


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """The frames of a stream, one behind the other, and what made them: equal words give equal bytes for equal content."""

    maker: str
    frames: Sequence[Frame]


def digest_of(data: bytes) -> bytes:
    """The digest of a frame's key or its compressed bytes, as long as the index has it."""
    return shortened(hashlib.sha256(data))


def shortened(hasher: hashlib._Hash) -> bytes:
    """The digest of what a SHA-256 was told."""
    return hasher.digest()[:_DIGEST]


def pack_index(index: FrameIndex) -> bytes:
    """The index as it lies in an archive."""
    maker = index.maker.encode()
    head = _MAGIC + _COUNT.pack(len(maker)) + maker + _COUNT.pack(len(index.frames))
    body = head + b"".join(_FRAME.pack(*frame) for frame in index.frames)
    return body + hashlib.sha256(body).digest()


def unpack_index(data: bytes) -> FrameIndex:
    """The index in an archive. Raises ValueError for one that is damaged, or of another kind."""
    body = data[:-_SEAL]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != data[-_SEAL:]:
        raise ValueError(_DAMAGED)
    at = len(_MAGIC)
    try:
        (length,) = _COUNT.unpack_from(body, at)
        at += _COUNT.size + length
        (count,) = _COUNT.unpack_from(body, at)
    except struct.error as error:
        raise ValueError(_DAMAGED) from error
    maker = body[at - length : at].decode()
    at += _COUNT.size
    if len(body) != at + count * _FRAME.size:
        raise ValueError(_DAMAGED)
    frames = tuple(Frame(*row) for row in _FRAME.iter_unpack(body[at:]))
    if any(frame.plain > MOST_OF_A_FRAME or frame.size > 2 * MOST_OF_A_FRAME for frame in frames):
        raise ValueError("its index tells of frames that are larger than any")
    return FrameIndex(maker, frames)
