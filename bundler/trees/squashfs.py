"""Squashfs images."""

from __future__ import annotations

import io
from collections.abc import Iterator

from bundler.errors import NotABundle
from bundler.machine import os
from bundler.trees.names import member_of
from bundler.trees.tree import Items, Kind


def members(path: str) -> Items:
    """See `trees.tree.Members`. Raises NotABundle for an image that can be read by others alone."""
    try:
        yield from _members(path)
    except UnicodeDecodeError as error:  # the library has names by their texts
        raise NotABundle(
            f"{path} has a name or a link that is no UTF-8, which cannot be read from a squashfs image",
            "unpack it (unsquashfs) or mount it, and name the folder",
        ) from error


def _members(path: str) -> Items:
    from PySquashfsImage import SquashFsImage

    with SquashFsImage.from_file(path) as image:
        if os.stat(path).st_size < image.size:
            raise EOFError(f"it has {os.stat(path).st_size} bytes instead of {image.size}")
        for item in image:
            name = os.fsdecode(item.path).lstrip("/")
            kind = Kind.OTHER
            target = ""
            if item.is_dir:
                kind = Kind.DIRECTORY
            elif item.is_symlink:
                kind, target = Kind.LINK, os.fsdecode(item.readlink())
            elif item.is_file:
                kind = Kind.FILE
            member = member_of(name or ".", kind, item.mode & 0o7777, target, item.uid)
            if member is not None:
                yield member, _ChunkFile(item.iter_bytes(), item.size) if kind is Kind.FILE else None  # type: ignore[misc]


class _ChunkFile(io.RawIOBase):
    """A file of a sequence of chunks that make up `size` bytes. Raises EOFError where they are not as many."""

    def __init__(self, chunks: Iterator[bytes], size: int) -> None:
        self._chunks = chunks
        self._size = size
        self._chunk = b""

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, fewer at the end of a chunk; all that are left for -1."""
        if size < 0:
            return self.readall()
        while not self._chunk:
            chunk = next(self._chunks, None)
            if chunk is None:
                if self._size != 0:
                    raise EOFError("a file has not as many bytes as it should have")
                return b""
            self._size -= len(chunk)
            self._chunk = chunk
        data, self._chunk = self._chunk[:size], self._chunk[size:]
        return data
