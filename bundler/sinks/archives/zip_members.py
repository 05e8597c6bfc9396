"""What a zip archive tells of its members for the next pack, and where they lie in one that is there.

The bytes of a member follow from those of its file alone. Their digests stand in an extra field of the central directory, under a
name that nobody else uses: readers pass over those that they do not know (APPNOTE.TXT 4.5).
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import cache

from bundler.machine import os
from bundler.sinks.archives.frame_codecs import GZIP, maker
from bundler.sinks.archives.frame_index import Frame, digest_of
from bundler.sinks.archives.reuse import Indexed

_NAME = 0x6662
_FIELD = struct.Struct(
    "<HH8s16s16s"
)  # name and length of the field; what compressed, key, digest of the compressed bytes
_ANY_FIELD = struct.Struct("<HH")
_LOCAL = struct.Struct("<4s22xHH")  # signature; lengths of name and extra fields (APPNOTE.TXT 4.3.7)
_LOCAL_SIGNATURE = b"PK\x03\x04"


def deflated(data: bytes, level: int) -> bytes:
    """The bytes of a member that is compressed in one go."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def key_of(sha256: bytes, size: int) -> bytes:
    """The key of a member whose file has this digest and size."""
    return digest_of(b"member %d " % size + sha256)


def field_of(key: bytes, digest: bytes, level: int) -> bytes:
    """The extra field of a member: its key, and the digest of its compressed bytes."""
    return _FIELD.pack(_NAME, _FIELD.size - _ANY_FIELD.size, _maker(level), key, digest)


def members_of(descriptor: int, level: int) -> Iterator[Indexed]:
    """The members of an open archive. Raises ValueError which says why there is none that could be taken."""
    try:
        with open(descriptor, "rb", closefd=False) as file, zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, NotImplementedError, EOFError) as error:
        raise ValueError(f"it is damaged: {error}") from error
    fields = [(info, found) for info in infos if (found := _find_field(info.extra)) is not None]
    if not fields:
        raise ValueError("its members have no digests")
    placed = []
    for info, (made_by, key, digest) in fields:
        if made_by != _maker(level):
            raise ValueError(f"it was not made by {maker(GZIP, level)}, as this pack")
        head = os.pread(descriptor, _LOCAL.size, info.header_offset)
        if len(head) < _LOCAL.size or not head.startswith(_LOCAL_SIGNATURE):
            raise ValueError("it is damaged")
        _, name, extra = _LOCAL.unpack(head)
        offset = info.header_offset + _LOCAL.size + name + extra
        placed.append((offset, Frame(key, digest, info.compress_size, info.file_size, info.CRC)))
    yield Indexed(index_of(field_of(key, digest, level) for _, (_, key, digest) in fields), placed)


def index_of(fields: Iterable[bytes]) -> bytes:
    """What an archive tells of its members, by the extra fields of all files in their order."""
    return b"".join(fields)


@cache
def _maker(level: int) -> bytes:
    return hashlib.sha256(maker(GZIP, level).encode()).digest()[:8]


def _find_field(extra: bytes) -> tuple[bytes, bytes, bytes] | None:
    at = 0
    while at + _ANY_FIELD.size <= len(extra):
        name, length = _ANY_FIELD.unpack_from(extra, at)
        if name == _NAME and length == _FIELD.size - _ANY_FIELD.size and at + _FIELD.size <= len(extra):
            _, _, made_by, key, digest = _FIELD.unpack_from(extra, at)
            return made_by, key, digest
        at += _ANY_FIELD.size + length
    return None
