"""A bundle in an archive: each format that a sink writes, read as a stream."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import json
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import IO, Any, BinaryIO, TypeVar

from bundler.errors import NotABundle
from bundler.trees import MANIFEST, Kind, Member, Tree

_T = TypeVar("_T")
_Item = tuple[Member, "IO[bytes] | None"]
_KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.LINK,
}
_OFFSET = re.compile(rb"^payload_offset=(\d+)\s*$", re.MULTILINE)


def open_archive(path: str) -> Tree:
    """The tree in an archive, told by its first bytes. Raises NotABundle."""
    try:
        with open(path, "rb") as file:
            head = file.read(1 << 16)
    except OSError as error:
        raise NotABundle(f"{path} cannot be read: {error.strerror}") from error
    if head.startswith(b"PK"):
        return _Archive(path, _zip_members)
    if head.startswith(b"hsqs"):
        return _Archive(path, _squashfs_members)
    if head.startswith(b"#!"):
        found = _OFFSET.search(head)
        if found is None:
            raise NotABundle(f"{path} is a script, and no self-extracting bundle")
        return _Archive(path, lambda path: _tar_members(path, int(found[1])))
    if head[257:262] == b"ustar" and head.startswith(b"blobs/"):
        return _Archive(path, _image_members)
    return _Archive(path, _tar_members)


_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    ValueError,
    KeyError,
)


_OF_WHO_LOOKS = (errno.ENOSPC, errno.EDQUOT)
"""Errors that an archive cannot have: who looks at it unpacks it, and has no room."""


class _Archive:
    """A tree whose members come one after the other from `members(path)`. A folder that holds all is looked through."""

    random_access = False

    def __init__(self, path: str, members: Callable[[str], Iterator[_Item]]) -> None:
        self._path = path
        self._members = members

    def scan(self, look: Callable[[Member, BinaryIO | None], _T]) -> list[tuple[Member, _T]]:
        """See `trees.Tree`."""
        try:
            found = [(member, look(member, file)) for member, file in self._members(self._path)]  # type: ignore[arg-type]
            return _below_top(found)
        except _UNREADABLE as error:
            if isinstance(error, OSError) and error.errno in _OF_WHO_LOOKS:
                raise
            hint = "bundles are directories, or archives that bundler wrote"
            raise NotABundle(f"{self._path} cannot be read as an archive: {error}", hint) from error


def _below_top(found: list[tuple[Member, _T]]) -> list[tuple[Member, _T]]:
    """The members relative to the folder with `bundle.json`, where the archive has but one folder on top."""
    paths = {member.path for member, _ in found}
    tops = {path.partition("/")[0] for path in paths}
    top = next(iter(tops), "")
    if MANIFEST in paths or len(tops) != 1 or f"{top}/{MANIFEST}" not in paths:
        return found
    return [
        (Member(member.path[len(top) + 1 :], member.kind, member.mode, member.target), result)
        for member, result in found
        if member.path != top
    ]


def _member(name: str, kind: Kind, mode: int, target: str = "") -> Member | None:
    """A member with a clean path; None for the root. ValueError for a name that leads out."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"the name {name} leads out of the archive")
    path = os.path.normpath(name)
    return None if path == "." else Member(path, kind, mode, target)


def _tar_members(path: str, offset: int = 0) -> Iterator[_Item]:
    with open(path, "rb") as file:
        file.seek(offset)
        with _decompressed(file) as stream:
            yield from _from_tar(stream)


def _from_tar(stream: IO[bytes]) -> Iterator[_Item]:
    """Members of a plain tar stream."""
    with tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as archive:
        for info in archive:
            kind = _KINDS.get(info.type, Kind.OTHER)
            member = _member(info.name, kind, info.mode & 0o7777, info.linkname)
            if member is None:
                continue
            file = archive.extractfile(info) if kind is Kind.FILE else None
            # Closed here: what a signal raises while a forgotten file closes itself is lost.
            with file or nullcontext():
                yield member, file


@contextmanager
def _decompressed(file: BinaryIO) -> Iterator[IO[bytes]]:
    """The plain stream behind a file's position, whatever it is compressed with."""
    start = file.tell()
    head = file.read(6)
    file.seek(start)
    if head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as stream:
            yield stream  # type: ignore[misc]
    elif head.startswith(b"\x28\xb5\x2f\xfd"):
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as reader:
            yield io.BufferedReader(reader)
    elif head.startswith(b"\xfd7zXZ"):
        with lzma.open(file) as stream:
            yield stream
    elif head.startswith(b"BZh"):
        with bz2.open(file) as stream:
            yield stream
    else:
        yield file


def _zip_members(path: str) -> Iterator[_Item]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            kind = Kind.DIRECTORY if info.is_dir() else Kind.LINK if stat.S_ISLNK(mode) else Kind.FILE
            target = os.fsdecode(archive.read(info)) if kind is Kind.LINK else ""
            member = _member(info.filename, kind, stat.S_IMODE(mode), target)
            if member is None:
                continue
            if kind is Kind.FILE:
                with archive.open(info) as file:
                    yield member, file
            else:
                yield member, None


def _image_members(path: str) -> Iterator[_Item]:
    """Members of the bundle in an OCI image: those of its own layers, below the folder that its label names."""
    from bundler.sinks.images.oci import FOLDER_LABEL

    with tarfile.open(path) as image:
        config, layers = _image_parts(image)
        folder = str((config.get("config", {}).get("Labels") or {}).get(FOLDER_LABEL, "")).strip("/")
        if not folder:
            raise ValueError(f"the image has no label {FOLDER_LABEL}")
        seen: set[str] = set()
        for name in layers:
            with _decompressed(_open_member(image, name)) as stream:
                for member, file in _from_tar(stream):
                    # A folder may stand in several layers.
                    if member.path.startswith(folder + "/") and member.path not in seen:
                        seen.add(member.path)
                        path = member.path[len(folder) + 1 :]
                        yield Member(path, member.kind, member.mode, member.target), file


def _image_parts(image: tarfile.TarFile) -> tuple[dict[str, Any], list[str]]:
    """The configuration, and the names of the layers."""
    described = json.loads(_open_member(image, "manifest.json").read())[0]
    return json.loads(_open_member(image, described["Config"]).read()), described["Layers"]


def _open_member(image: tarfile.TarFile, name: str) -> BinaryIO:
    file = image.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file of the image")
    return file  # type: ignore[return-value]


def _squashfs_members(path: str) -> Iterator[_Item]:
    from PySquashfsImage import SquashFsImage

    with SquashFsImage.from_file(path) as image:
        for item in image:
            name = os.fsdecode(item.path).lstrip("/") if isinstance(item.path, bytes) else item.path.lstrip("/")
            kind = Kind.OTHER
            target = ""
            if item.is_dir:
                kind = Kind.DIRECTORY
            elif item.is_symlink:
                kind, target = Kind.LINK, os.fspath(item.readlink())
            elif item.is_file:
                kind = Kind.FILE
            member = _member(name or ".", kind, item.mode & 0o7777, os.fsdecode(target))
            if member is not None:
                yield member, _Chunks(item.iter_bytes()) if kind is Kind.FILE else None  # type: ignore[misc]


class _Chunks(io.RawIOBase):
    """A file of a sequence of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; fewer at the end of a chunk."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._left = chunk
        end = len(self._left) if size < 0 else size
        data, self._left = self._left[:end], self._left[end:]
        return data
