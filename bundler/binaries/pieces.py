"""The pieces of which a new version of a file is made. Each piece says where its bytes come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the source."""

    offset: int
    """Where they begin, in bytes from the source's start."""
    length: int
    """Number of bytes."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes that are not in the source."""

    data: bytes

    @property
    def length(self) -> int:
        """Number of bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Zeros:
    """Zero bytes; who writes them may leave a hole."""

    length: int
    """Number of bytes."""


@dataclass(frozen=True, slots=True)
class Computed:
    """Bytes that depend on the new file's other bytes (a signature, a checksum)."""

    length: int
    """Number of bytes."""
    compute: Callable[[BinaryIO], bytes]
    """Makes the bytes from the new file, in which every computed piece is zeros."""


Piece = Range | Literal | Zeros | Computed
