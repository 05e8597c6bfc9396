"""Tar archives, plain or compressed, read as a stream."""

from __future__ import annotations

import io
import tarfile
from typing import IO, TYPE_CHECKING

from bundler.trees.compression import decompressed
from bundler.trees.frames import rest_of
from bundler.trees.last_file import manifest_in_stream, manifest_in_tar
from bundler.trees.names import member_of
from bundler.trees.tree import Items, Kind

if TYPE_CHECKING:
    from typing_extensions import Self

_CHUNK = 1 << 20
_BETWEEN = 4 << 20
"""Bytes between the contents of two files, or behind the last one, at most: headers, and the zeros of the end."""
_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.LINK,
}


def members(path: str) -> Items:
    """See `trees.tree.Members`."""
    with open(path, "rb") as file, decompressed(file) as stream:
        yield from members_of_stream(stream)


def manifest(path: str) -> bytes | None:
    """See `formats.ArchiveFormat.find_manifest_reader`."""
    with open(path, "rb") as file:
        part = rest_of(file)
        return manifest_in_tar(file) or (manifest_in_stream(part) if part is not None else None)


def members_of_stream(stream: IO[bytes]) -> Items:
    """The members of a plain tar stream, which is read to its end: what it is compressed with has a checksum there."""
    metered = _Metered(stream)
    with tarfile.open(fileobj=metered, mode="r|", errors="surrogateescape", tarinfo=StrictInfo) as archive:
        for info in archive:
            kind = _KINDS.get(info.type, Kind.OTHER)
            metered.allow(info.size if kind is Kind.FILE else 0)
            member = member_of(info.name, kind, info.mode & 0o7777, info.linkname, info.uid)
            if member is not None:
                yield member, archive.extractfile(info) if kind is Kind.FILE else None
        assert archive.fileobj is not None
        while chunk := archive.fileobj.read(_CHUNK):
            if chunk.count(0) < len(chunk):
                raise tarfile.ReadError("something follows the end of the archive")


class _Metered(io.RawIOBase):
    """A stream of which so much may be read before the next member: a header can ask for more memory than there is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = _BETWEEN

    def allow(self, size: int) -> None:
        """Let a file of `size` bytes be read, and what may follow it."""
        self._left = size + _BETWEEN

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes. Raises ReadError where they are too many."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError(f"there are more than {_BETWEEN} bytes between two files, or at the end")
        return data


class StrictInfo(tarfile.TarInfo):
    """A member's header. One that is damaged or cut off is an error: `tarfile` itself takes it for the end of the archive."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """The next member of an archive. Raises ReadError."""
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed has it not
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"the header at byte {archive.offset}: {error}") from error
