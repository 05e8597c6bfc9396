"""Tar archives, plain or compressed, read as a stream."""

from __future__ import annotations

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
    with tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape", tarinfo=StrictInfo) as archive:
        for info in archive:
            kind = _KINDS.get(info.type, Kind.OTHER)
            member = member_of(info.name, kind, info.mode & 0o7777, info.linkname, info.uid)
            if member is not None:
                yield member, archive.extractfile(info) if kind is Kind.FILE else None
        assert archive.fileobj is not None
        while chunk := archive.fileobj.read(_CHUNK):
            if chunk.count(0) < len(chunk):
                raise tarfile.ReadError("something follows the end of the archive")


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
