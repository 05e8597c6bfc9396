"""Bytes of a binary file, read with every bound checked."""

from __future__ import annotations

import errno
import io
from typing import BinaryIO

from bundler.errors import BinaryFormatError
from bundler.machine import os

SMALL = 1 << 20
"""Files up to this many bytes are held in memory."""


def in_memory(file: BinaryIO) -> BinaryIO:
    """The seekable `file`; of a small one its bytes in memory, so that no look at it costs a system call."""
    if isinstance(file, io.BytesIO) or file.seek(0, os.SEEK_END) > SMALL:
        return file
    file.seek(0)
    return io.BytesIO(file.read())


def read_there(file: BinaryIO, offset: int, length: int) -> bytes:
    """Of `length` bytes at `offset` those that are there: a file may tell of more than it has, and more than there is memory."""
    there = file.seek(0, os.SEEK_END) - offset
    if there <= 0 or length <= 0:
        return b""
    file.seek(offset)
    return file.read(min(length, there))


def read_at(file: BinaryIO, offset: int, length: int, what: str) -> bytes:
    """Exactly `length` bytes at `offset` (bytes from the file's start).

    Raises BinaryFormatError where the file ends earlier; the error calls the bytes `what`.
    """
    try:
        there = max(0, file.seek(0, os.SEEK_END) - offset) if length > SMALL else length
        file.seek(offset)
        data = file.read(min(length, there))
    except (ValueError, OverflowError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        # Farther than the file system goes: most say so of the seek, tmpfs only of the read.
        raise BinaryFormatError(f"{what} lies at the impossible offset {offset}") from error
    if len(data) < length:
        raise BinaryFormatError(
            f"{what} is truncated: {length} bytes at offset {offset} are needed, {len(data)} are there"
        )
    return data
