"""Where the stream of an archive is cut into frames, each of which is compressed by itself.

The plan alone says where: neither the number of threads nor what happens to be known. And a local change moves no other cut,
so that the frames of what did not change are the same in the next archive:

* A file of at least `LARGE` bytes stands by itself, in pieces of `PIECE` bytes.
* The entries between two such files are a run. One that is larger than `MOST` is cut at its shallowest change of folder (between
  two distributions rather than within one), of several at the one whose path has the least checksum; and so on with both parts.
  (A treap comes by its shape like this, whatever changed before: Seidel and Aragon, 1996.)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bundler.entries import Entry, size_of

MOST = 4 << 20
"""Bytes of a run that are compressed together, at most."""
PIECE = 8 << 20
LARGE = 1 << 20
_MEMBER = 512  # bytes beside a file's own, about: a header


class Run(NamedTuple):
    """A frame of whole entries, in the order of the plan."""

    entries: Sequence[Entry]
    size: int
    """Of its bytes, about."""


@dataclass(frozen=True, slots=True)
class LargeFile:
    """A file with frames of its own."""

    entry: Entry


def is_large(entry: Entry) -> bool:
    """Whether a file stands by itself."""
    return size_of(entry.content) >= LARGE


def pieces(size: int) -> Iterator[range]:
    """The ranges of the pieces of `size` bytes."""
    return (range(start, min(start + PIECE, size)) for start in range(0, size, PIECE))


class PieceStream:
    """Takes the bytes of a large file, and sends each piece when it is whole."""

    def __init__(self, send: Callable[[range, bytearray], object], head: bytes = b"") -> None:
        """`send` is given where a piece lies in all that is written, and its bytes; `head` comes first."""
        self._send = send
        self._start = 0
        self._piece = bytearray(head)

    def write(self, data: bytes | memoryview) -> None:
        """Take all of `data`."""
        with memoryview(data) as view:
            at = 0
            while at < len(view):
                fitting = PIECE - len(self._piece)
                self._piece += view[at : at + fitting]
                at += fitting
                if len(self._piece) == PIECE:
                    self.end()

    def end(self) -> None:
        """Send what is left."""
        if self._piece:
            piece, self._piece = self._piece, bytearray()
            part = range(self._start, self._start + len(piece))
            self._start = part.stop
            self._send(part, piece)


class FrameCutter:
    """Takes entries in the order of the plan, and gives the frames that can be told by then."""

    def __init__(self) -> None:
        self._run: list[Entry] = []

    def add(self, entry: Entry) -> Iterator[Run | LargeFile]:
        """The frames that end before or with this entry."""
        if not is_large(entry):
            self._run.append(entry)
            return
        yield from self.rest()
        yield LargeFile(entry)

    def rest(self) -> Iterator[Run]:
        """The frames of all that was added and not given yet."""
        run, self._run = self._run, []
        if run:
            yield from cut(run)


def cut(run: Sequence[Entry]) -> Iterator[Run]:
    """The frames of entries that are not large."""
    ends = [0]
    for entry in run:
        ends.append(ends[-1] + _MEMBER + size_of(entry.content))
    ranks = _ranks(run)
    parts = [(0, len(run))]
    while parts:
        start, stop = parts.pop()
        if ends[stop] - ends[start] <= MOST or stop - start == 1:
            yield Run(run[start:stop], ends[stop] - ends[start])
            continue
        middle = min(range(start + 1, stop), key=ranks.__getitem__)
        parts += [(middle, stop), (start, middle)]


def _ranks(run: Sequence[Entry]) -> list[tuple[int, int]]:
    """How willingly the run is cut before each entry, the least first: by the depth at which its path leaves the one before."""
    ranks = []
    before: list[str] = []
    for entry in run:
        parts = entry.path.split("/")
        depth = 0
        for one, other in zip(parts, before):  # noqa: B905 - up to the shorter one's end
            if one != other:
                break
            depth += 1
        ranks.append((depth, zlib.crc32("/".join(parts[: depth + 1]).encode("utf-8", "surrogateescape"))))
        before = parts
    return ranks
