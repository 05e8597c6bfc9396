"""Frames of archives that are there already, for packs that would make the same ones again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from bundler.machine import os
from bundler.memory.archives import is_known
from bundler.sinks.archives.frame_codecs import FoundIndex, FrameCodec, maker
from bundler.sinks.archives.frame_index import Frame, digest_of, shortened, unpack_index


class Stream(NamedTuple):
    """Where a compressed stream lies in a file: the offsets of its begin and its end."""

    start: int
    end: int


FindStreams = Callable[[int], Iterable[Stream]]
"""From an open archive: its compressed streams. It may raise ValueError for a file of another kind."""


def whole_file(descriptor: int) -> Iterable[Stream]:
    """All of a file as one stream."""
    return (Stream(0, os.fstat(descriptor).st_size),)


_CHUNK = 1 << 20

Placed = tuple[int, Frame]
"""A frame, and the offset of its bytes in the file."""


class Indexed(NamedTuple):
    """Frames, and the bytes of the index that tells of them."""

    words: bytes
    frames: Sequence[Placed]


class Kept(NamedTuple):
    """A frame in an archive that is open."""

    descriptor: int
    offset: int
    frame: Frame
    proved: bool
    """Whether a pack of this user wrote it; else it must be compared with what it shall be."""


class KeptStream(NamedTuple):
    """A stream in an archive that is open, of which a pack of this user wrote every frame."""

    descriptor: int
    words: bytes
    """Of its index."""
    frames: Sequence[Placed]


class Reusable:
    """The frames that can be taken over, by their keys. Threads may use it."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Kept] = {}
        self._streams: dict[bytes, KeptStream] = {}
        self._open: list[int] = []
        self._from: list[str] = []
        self._damaged: set[int] = set()
        self._frames, self._size = [0, 0], [0, 0]  # of all that was written, and of what was taken over
        self.problems: list[str] = []
        """Why nothing can be taken from an archive."""

    def __bool__(self) -> bool:
        return bool(self._kept)

    def __contains__(self, key: bytes) -> bool:
        return key in self._kept

    def offer(self, path: str, descriptor: int, found: Iterable[Indexed], is_known: Callable[[bytes], bool]) -> None:
        """Add the frames of an open archive. `is_known` tells of an index whether a pack of this user wrote it."""
        self._open.append(descriptor)
        self._from.append(path)
        for words, frames in found:
            proved = is_known(words)
            if proved:
                stream = KeptStream(descriptor, words, frames)
                self._streams.setdefault(_joined(frame.key for _, frame in frames), stream)
            for offset, frame in frames:
                self._kept.setdefault(frame.key, Kept(descriptor, offset, frame, proved))

    def proved(self, key: bytes) -> Kept | None:
        """The frame with a key where it need not be compared."""
        kept = self._kept.get(key)
        return kept if kept is not None and kept.proved else None

    def is_proved(self, key: bytes) -> bool:
        """Whether there is such a frame."""
        return self.proved(key) is not None

    def find_stream(self, keys: Iterable[bytes]) -> KeptStream | None:
        """The proved stream that has frames with these keys, and no others."""
        return self._streams.get(_joined(keys))

    def spoil(self, descriptor: int) -> None:
        """Note that an archive is not what it was."""
        self._damaged.add(descriptor)

    def refuse(self, key: bytes) -> None:
        """Note that the frame with a key is not what it should be."""
        self._damaged.add(self._kept[key].descriptor)

    def find_whole(self, key: bytes) -> Kept | None:
        """The proved frame with a key, which may be too large for memory; None where its bytes are not what they were."""
        kept = self.proved(key)
        if kept is None:
            return None
        hasher = hashlib.sha256()
        at, end = kept.offset, kept.offset + kept.frame.size
        while at < end and (data := os.pread(kept.descriptor, min(_CHUNK, end - at), at)):
            hasher.update(data)
            at += len(data)
        if shortened(hasher) == kept.frame.digest:
            return kept
        self._damaged.add(kept.descriptor)
        return None

    def take(self, key: bytes) -> tuple[Frame, bytes] | None:
        """The frame with a key, and its bytes; None where there is none, or where they are not what they were."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        try:
            there = max(
                0, os.fstat(kept.descriptor).st_size - kept.offset
            )  # an index may tell of more than there is memory
            data = os.pread(kept.descriptor, min(kept.frame.size, there), kept.offset)
        except OSError:
            return None
        if digest_of(data) != kept.frame.digest:
            self._damaged.add(kept.descriptor)
            return None
        return kept.frame, data

    def count(self, size: int, *, taken: bool) -> None:
        """Count a frame of so many compressed bytes that was written."""
        for number in range(1 + taken):
            self._frames[number] += 1
            self._size[number] += size

    def notes(self, frames_are: str = "frames") -> tuple[str, ...]:
        """For a person: what was taken over, and why nothing was."""
        if not self._from:
            return tuple(self.problems)
        (frames, taken), (size, size_taken) = self._frames, self._size
        share = f"{taken} of {frames} {frames_are}, {size_taken >> 10} of {size >> 10} KiB"
        damaged = [path for path, descriptor in zip(self._from, self._open, strict=True) if descriptor in self._damaged]
        return (
            *self.problems,
            *(f"{path} is damaged: what was damaged in it was made anew" for path in damaged),
            f"taken over from {' and '.join(self._from)}: {share}",
        )

    def close(self) -> None:
        """Close the archives."""
        self._kept, self._streams = {}, {}
        while self._open:
            os.close(self._open.pop())


def open_reusable(
    paths: Sequence[str],
    find_frames: Callable[[int], Iterable[Indexed]],
    *,
    cache: bool,
    known: Callable[[bytes], bool] = is_known,
) -> Reusable:
    """What can be taken from the archives at `paths`. A missing, damaged or foreign one gives nothing, and a note says so.

    `find_frames` gives the frames of an open archive, and raises ValueError where there is none that could be taken. `known`
    tells of an index whether a pack of this user wrote it, `cache` whether what is known of earlier packs counts.
    """
    found = Reusable()
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                found.offer(path, descriptor, list(find_frames(descriptor)), known if cache else _unknown)
            except BaseException:
                os.close(descriptor)
                raise
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            found.problems.append(f"nothing could be taken over from {path}: {reason}")
    return found


def _joined(keys: Iterable[bytes]) -> bytes:
    return digest_of(b"".join(keys))


def _unknown(_index: bytes) -> bool:
    return False


def frames_of(descriptor: int, codec: FrameCodec, level: int, find_streams: FindStreams) -> Iterator[Indexed]:
    """The frames in the streams of an open archive. Raises ValueError which says why there is none that could be taken."""
    streams = [(found, unpack_index(found.index)) for found in _found_indexes(descriptor, codec, find_streams)]
    if not streams:
        raise ValueError("it has no index of frames")
    for found, index in streams:
        check_maker(index.maker, maker(codec, level))
        offsets = accumulate((frame.size for frame in index.frames), initial=found.start)
        yield Indexed(found.index, list(zip(offsets, index.frames, strict=False)))


def check_maker(theirs: str, ours: str) -> None:
    """Raise ValueError where another one made an archive."""
    if theirs != ours:
        raise ValueError(f"it was made by {theirs}, and this pack by {ours}")


def _found_indexes(descriptor: int, codec: FrameCodec, find_streams: FindStreams) -> Iterator[FoundIndex]:
    for stream in find_streams(descriptor):
        found = codec.find_index(descriptor, stream.start, stream.end)
        if found is not None:
            yield found
