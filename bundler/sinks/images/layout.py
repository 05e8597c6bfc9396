"""The file of an OCI layout: a tar whose blobs are named by their own digests."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from bundler.sinks.archives.output import ByteStream
from bundler.sinks.archives.reuse import Stream

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
BLOBS = "blobs/sha256/"
_BLOCK = tarfile.BLOCKSIZE


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob that was written."""

    sha256: str
    """In hexadecimal."""
    size: int
    """In bytes."""
    media_type: str = LAYER
    uncompressed: str = ""
    """Of a layer: the digest of what was compressed."""

    @property
    def descriptor(self) -> dict[str, object]:
        """How JSON refers to it."""
        return {"mediaType": self.media_type, "digest": f"sha256:{self.sha256}", "size": self.size}


_KEPT_LAYER = struct.Struct("<32s32sQ")


def pack_layer(layer: Blob) -> bytes:
    """What is kept of a layer for later packs."""
    return _KEPT_LAYER.pack(bytes.fromhex(layer.sha256), bytes.fromhex(layer.uncompressed), layer.size)


def unpack_layer(told: bytes) -> Blob | None:
    """The layer of which that was kept; None for anything else."""
    if len(told) != _KEPT_LAYER.size:
        return None
    sha256, uncompressed, size = _KEPT_LAYER.unpack(told)
    return Blob(sha256.hex(), size, LAYER, uncompressed.hex())


class HashedStream:
    """Passes bytes on to a stream, hashes and counts them."""

    def __init__(self, stream: ByteStream) -> None:
        self._write = stream.write
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take all of `data`."""
        self._write(data)
        self.sha256.update(data)
        self.size += len(data)
        return len(data)

    def written(self, uncompressed: str = "", media_type: str = LAYER) -> Blob:
        """The blob that the bytes make up."""
        return Blob(self.sha256.hexdigest(), self.size, media_type, uncompressed)


def blobs_of(descriptor: int) -> Iterator[Stream]:
    """Where the blobs lie in the open file of a layout. Raises ValueError for one of another kind."""
    try:
        with open(descriptor, "rb", closefd=False) as file, tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.name.startswith(BLOBS):
                    yield Stream(member.offset_data, member.offset_data + member.size)
    except tarfile.TarError as error:
        raise ValueError(f"it is no image: {error}") from error


class LayoutFile:
    """The members of the tar file, one after the other; it must be possible to go back in `file`."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @contextmanager
    def new_blob(self) -> Iterator[HashedStream]:
        """A blob to be filled. Its header, which has the name, is written when the rest is."""
        start = self._file.tell()
        self._file.write(bytes(_BLOCK))
        blob = HashedStream(self._file)
        yield blob
        self._file.write(bytes(-blob.size % _BLOCK))
        end = self._file.tell()
        self._file.seek(start)
        self._file.write(_header(BLOBS + blob.sha256.hexdigest(), blob.size))
        self._file.seek(end)

    @property
    def position(self) -> int:
        """Where the next member begins."""
        return self._file.tell()

    def go_back(self, position: int) -> None:
        """Forget the members behind a position."""
        self._file.seek(position)
        self._file.truncate()

    def add_json(self, value: object, media_type: str) -> Blob:
        """Write a value as a blob."""
        with self.new_blob() as blob:
            blob.write(_dump(value))
        return blob.written(media_type=media_type)

    def add(self, name: str, value: object) -> None:
        """Write a value as a member with a name of its own."""
        data = _dump(value)
        self._file.write(_header(name, len(data)) + data + bytes(-len(data) % _BLOCK))

    def end(self) -> None:
        """Write the end of the archive."""
        self._file.write(bytes(2 * _BLOCK))
        self._file.flush()


def _dump(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def _header(name: str, size: int) -> bytes:
    """A member's header, of one block: the names are short."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)
