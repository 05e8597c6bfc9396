"""Squashfs images."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bundler.errors import NotABundle
from bundler.machine import os
from bundler.trees.names import member_of
from bundler.trees.tree import Items, Kind

if TYPE_CHECKING:
    from PySquashfsImage import SquashFsImage


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
    with open_image(path) as image:
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


def open_image(path: str) -> SquashFsImage:
    """An image, all of whose folders are listed. Raises EOFError where one lies in several places, or in itself: no folder has two
    names, and so few bytes would make so many of them that no memory holds them."""
    from PySquashfsImage import SquashFsImage

    class Image(SquashFsImage):  # type: ignore[misc]
        def _initialize(self) -> None:
            self._seen: set[tuple[int, int]] = set()
            super()._initialize()

        def _dir_scan(self, start_block: int, offset: int) -> object:
            if (start_block, offset) in self._seen:
                raise EOFError("a folder lies in several places")
            self._seen.add((start_block, offset))
            return super()._dir_scan(start_block, offset)

    image: SquashFsImage = Image.from_file(path)
    return image


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
