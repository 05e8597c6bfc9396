"""Paths of the source that a bundle's files still hold: whole ones, or the beginnings of longer ones below them."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bundler.rewrite.whole_paths import CONTEXT, begins, ends

_BEFORE = 2 * CONTEXT  # bytes; a character has one or two, mostly
_BEHIND = 8  # bytes
# Types of strings, and the size of their length in bytes (CPython's marshal.c): a letter may look like a part of either.
_MARSHALLED = ((b"zZ", 1), (b"aAuts", 4))
_NO_REFERENCE = 0x7F  # the bit above says that others refer to the object


class Leak(enum.Enum):
    """In what kind of file a path of the source was found."""

    TEXT = "text"
    PYC = "pyc"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class PathBytes:
    """A path, as it stands in a file."""

    data: bytes

    def is_marshalled(self, window: bytes, position: int) -> bool:
        """Whether a string of a compiled module (marshal: its type, its length, its bytes) begins with the path here."""
        for types, size in _MARSHALLED:
            start = position - size
            if start > 0 and window[start - 1] & _NO_REFERENCE in types:
                length = int.from_bytes(window[start:position], "little")
                if length == len(self.data):
                    return True
                if length > len(self.data) and window.startswith(b"/", position + len(self.data)):
                    return True
        return False

    def is_whole(self, window: bytes, position: int) -> bool:
        """Whether a text names the path here, and not another one or a URL that holds its letters."""
        end = position + len(self.data)
        before = window[max(0, position - _BEFORE) : position].decode("utf-8", "surrogateescape")
        behind = window[end : end + _BEHIND].decode("utf-8", "surrogateescape")
        return begins(before, len(before)) and ends(behind, 0)


class LeakFinder:
    """Looks for paths in a file that is read piece by piece, until one is found."""

    def __init__(self, paths: Sequence[PathBytes], kind: Leak) -> None:
        self._paths = paths
        self._kind = kind
        self._most = _BEHIND + max((len(path.data) for path in paths), default=0)
        self._window = b""
        self._looked = 0
        """Up to where of the window it was looked for what begins there: behind that it may go on in the next piece."""
        self._found = False

    def look(self, piece: bytes) -> None:
        """Take the next piece."""
        if self._found or not self._paths:
            return
        window = self._window + piece
        end = max(self._looked, len(window) - self._most)
        self._found = self._holds(window, self._looked, end)
        start = max(0, end - _BEFORE)
        self._window, self._looked = window[start:], end - start

    def end(self) -> Leak | None:
        """The kind of file, where it holds one of the paths; None where it does not."""
        found = self._found or self._holds(self._window, self._looked, len(self._window))
        return self._kind if found else None

    def _holds(self, window: bytes, start: int, stop: int) -> bool:
        """Whether one of the paths begins at `start` or behind it, before `stop`."""
        return any(
            path.is_whole(window, position) or (self._kind is Leak.PYC and path.is_marshalled(window, position))
            for path in self._paths
            for position in _positions(path.data, window, start, stop)
        )


def _positions(data: bytes, window: bytes, start: int, stop: int) -> Iterator[int]:
    """Where `data` begins in a part of the window."""
    position = window.find(data, start, stop + len(data) - 1)
    while position >= 0:
        yield position
        position = window.find(data, position + 1, stop + len(data) - 1)
