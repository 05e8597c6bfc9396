"""Constant strings of a file: NUL-terminated texts in memory that nobody writes to.

A string is taken for whole where no printable character stands in front of it: compilers put constants behind each other, and one
that ends as another does may share its bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from bundler.binaries.elf import constants as c
from bundler.binaries.elf.image import Image
from bundler.binaries.reading import read_at

_PATH = re.compile(rb"/[!-~]{2,1023}\0")  # without spaces: formats and sentences begin with a slash as well
_TIMES = 4
_PRINTABLE = range(0x20, 0x7F)


def constant_places(file: BinaryIO, image: Image, text: bytes) -> Iterator[int]:
    """The file offsets at which `text` stands as a whole constant string."""
    for start, data in _constant_segments(file, image):
        at = data.find(text + b"\0")
        while at >= 0:
            if _is_whole(data, at):
                yield start + at
            at = data.find(text + b"\0", at + 1)


def constant_paths(file: BinaryIO, image: Image, roots: tuple[bytes, ...]) -> Iterator[bytes]:
    """The whole constant strings that are absolute paths below one of `roots` (`/usr/`), each once."""
    told: set[bytes] = set()
    for _, data in _constant_segments(file, image):
        for root in roots:
            at = data.find(root)
            while at >= 0:
                found = _PATH.match(data, at)
                if found is not None and _is_whole(data, at) and (path := found[0][:-1]) not in told:
                    told.add(path)
                    yield path
                at = data.find(root, at + len(root))


def _constant_segments(file: BinaryIO, image: Image) -> Iterator[tuple[int, bytes]]:
    """The offset and the bytes of every segment that is mapped and not written to, up to some times the file's size together."""
    left = _TIMES * image.size
    for segment in image.segments:
        if segment.type == c.PT_LOAD and not segment.flags & c.PF_W and 0 < segment.filesz <= left:
            left -= segment.filesz
            yield segment.offset, read_at(file, segment.offset, segment.filesz, "a segment of constants")


def _is_whole(data: bytes, at: int) -> bool:
    return at == 0 or data[at - 1] not in _PRINTABLE
