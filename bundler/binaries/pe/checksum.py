"""The checksum of a PE file, as the linker's /RELEASE and imagehlp's CheckSumMappedFile make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from bundler.machine import os

_CHUNK = 1 << 16
_MODULUS = 0xFFFF


@dataclass(frozen=True, slots=True)
class FileChecksum:
    """Computes it of a file whose own checksum, at `offset`, does not count: the file of a patch has zeros there."""

    offset: int

    def __call__(self, file: BinaryIO) -> bytes:
        """The four bytes that belong there."""
        return file_checksum(file, self.offset).to_bytes(4, "little")


def file_checksum(file: BinaryIO, offset: int) -> int:
    """The sum of all 16-bit words with carries added again (as in IP's headers), and the size of the file.

    `offset`, which is even, is where the checksum itself stands: its four bytes count as zeros. Adding carries again is the
    remainder by 0xffff, but for a sum that is no zero and has none.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    total, position = 0, 0
    while chunk := file.read(_CHUNK):
        start, end = max(offset - position, 0), max(offset + 4 - position, 0)
        if start < len(chunk) and end:
            chunk = chunk[:start] + bytes(min(end, len(chunk)) - start) + chunk[end:]
        total += int.from_bytes(chunk, "little")
        position += len(chunk)
        if len(chunk) % 2 and position < size:
            raise EOFError(f"the file ends at {position} instead of {size}")
    folded = total % _MODULUS or (_MODULUS if total else 0)
    return (folded + size) & 0xFFFFFFFF
