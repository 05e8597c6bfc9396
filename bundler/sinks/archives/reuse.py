"""Frames of archives that are there already, for packs that would make the same ones again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from bundler.sinks.archives.frame_codecs import FrameCodec, maker
from bundler.sinks.archives.frame_index import Frame, FrameIndex, digest_of, unpack_index


class Stream(NamedTuple):
    """Where a compressed stream lies in a file: the offsets of its begin and its end."""

    start: int
    end: int


FindStreams = Callable[[int], Iterable[Stream]]
"""From an open archive: its compressed streams. It may raise ValueError for a file of another kind."""


def whole_file(descriptor: int) -> Iterable[Stream]:
    """All of a file as one stream."""
    return (Stream(0, os.fstat(descriptor).st_size),)


class Kept(NamedTuple):
    """A frame in an archive that is open."""

    descriptor: int
    offset: int
    frame: Frame


class Reusable:
    """The frames that can be taken over, by their keys. Threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Kept] = {}
        self._open: list[int] = []
        self._from: list[str] = []
        self._frames, self._size = [0, 0], [0, 0]  # of all that was written, and of what was taken over
        self.problems: list[str] = []
        """Why nothing can be taken from an archive."""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def __contains__(self, key: bytes) -> bool:
        return key in self._kept

    def offer(self, path: str, descriptor: int, streams: Iterable[tuple[int, FrameIndex]]) -> None:
        """Add the frames of an open archive: of each stream the offset of the first frame, and the index."""
        self._open.append(descriptor)
        self._from.append(path)
        for start, index in streams:
            at = start
            for frame in index.frames:
                self._kept.setdefault(frame.key, Kept(descriptor, at, frame))
                at += frame.size

    def take(self, key: bytes) -> tuple[Frame, bytes] | None:
        """The frame with a key, and its bytes; None where there is none, or where they are not what they were."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        try:
            data = os.pread(kept.descriptor, kept.frame.size, kept.offset)
        except OSError:
            return None
        return (kept.frame, data) if digest_of(data) == kept.frame.digest else None

    def count(self, size: int, *, taken: bool) -> None:
        """Count a frame of so many compressed bytes that was written."""
        for number in range(1 + taken):
            self._frames[number] += 1
            self._size[number] += size

    def notes(self) -> tuple[str, ...]:
        """For a person: what was taken over, and why nothing was."""
        if not self._from:
            return tuple(self.problems)
        (frames, taken), (size, size_taken) = self._frames, self._size
        share = f"{taken} of {frames} frames, {size_taken >> 10} of {size >> 10} KiB"
        return (*self.problems, f"taken over from {' and '.join(self._from)}: {share}")

    def close(self) -> None:
        """Close the archives."""
        self._kept = {}
        while self._open:
            os.close(self._open.pop())


def open_reusable(
    paths: Sequence[str], codec: FrameCodec, level: int, find_streams: FindStreams = whole_file
) -> Reusable:
    """What can be taken from the archives at `paths`. A missing, damaged or foreign one gives nothing, and a note says so."""
    found = Reusable()
    for path in paths:
        try:
            _offer(found, path, codec, level, find_streams)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            found.problems.append(f"nothing could be taken over from {path}: {reason}")
    return found


def _offer(found: Reusable, path: str, codec: FrameCodec, level: int, find_streams: FindStreams) -> None:
    """Raises OSError, and ValueError which says why there is nothing."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        streams = list(_indexes(descriptor, codec, find_streams))
        if not streams:
            raise ValueError("it has no index of frames")
        ours = maker(codec, level)
        for _, index in streams:
            if index.maker != ours:
                raise ValueError(f"it was made by {index.maker}, and this pack by {ours}")
        found.offer(path, descriptor, streams)
    except BaseException:
        os.close(descriptor)
        raise


def _indexes(descriptor: int, codec: FrameCodec, find_streams: FindStreams) -> Iterator[tuple[int, FrameIndex]]:
    for stream in find_streams(descriptor):
        at = codec.find_index(descriptor, stream.start, stream.end)
        if at is not None:
            yield at.start, unpack_index(at.index)
