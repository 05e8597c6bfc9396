"""`.tar`: members as they are. What an earlier tar has in the same way is copied from there by the kernel, many members at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from bundler.entries import Deferred, Digest, Entry, Literal, Stamp, size_of, stamp_of
from bundler.errors import OutputFailed
from bundler.files import copy_range
from bundler.machine import os
from bundler.memory.tars import PlacedMember, members_of_tar, note_tar
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.frame_index import Frame, digest_of
from bundler.sinks.archives.frame_making import known_digest
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.reuse import Indexed, Kept, open_reusable
from bundler.sinks.archives.tar import TarStream
from bundler.sinks.archives.tar_headers import facts_in_header
from bundler.sinks.room import check_room

_MOST = 64 << 20
"""Bytes that are copied in one go: so often progress is told, and a signal heard."""
_CHUNK = 1 << 20
_LEVELS = range(1)


class _Range(NamedTuple):
    """Members of an earlier tar that stand one behind the other."""

    descriptor: int
    start: int
    end: int
    files: int
    """Bytes of the files in them."""


class PlainTarWriter:
    """Sends entries into a tar; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        """Raises UnfittingOption for a level, NoRoom."""
        checked_level("tar", _LEVELS, _LEVELS[0], settings.level)
        if output.folder is not None and not settings.reuse:  # what is taken over may share blocks
            check_room(output.folder, [settings.facts.size])
        self._above = f"{settings.top}/" if settings.top else ""
        self._advance = settings.advance
        self._file = output.open()
        self._cache = settings.cache
        self._stamps: dict[int, Stamp] = {}
        self._reusable = open_reusable(settings.reuse, self._standing, cache=settings.cache, known=lambda _: True)
        self._taken: _Range | None = None
        self._copied = 0
        self._members: list[PlacedMember] = []
        self._tar = TarStream(self._file, settings.top, settings.facts.root_ns)

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        if isinstance(entry.content, Deferred):
            entry = entry._replace(content=Literal(entry.content.make(digests)))
        sha256, size = known_digest(entry), size_of(entry.content)
        kept = self._reusable.proved(self._key(entry, size, sha256)) if sha256 is not None else None
        start = self._position
        if kept is not None and sha256 is not None:
            self._take(kept, size)
        else:
            self._copy_taken()
            written = self._tar.add(entry, digests)
            sha256 = written.sha256 if written is not None else b""
            self._advance(size)
        if sha256:  # it is a file
            digests[entry.path] = Digest(sha256, size)
        member = PlacedMember(self._key(entry, size, sha256), start, self._position - start)
        self._members.append(member)
        self._reusable.count(member.size, taken=kept is not None)

    def end(self, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        self._copy_taken()
        self._tar.end()
        if any(stamp_of(os.fstat(descriptor)) != stamp for descriptor, stamp in self._stamps.items()):
            raise _changed()

    def note(self, place: str) -> None:
        """See MemberWriter."""
        note_tar(place, self._members)

    def notes(self) -> tuple[str, ...]:
        """What was taken over."""
        return self._reusable.notes("members")

    def stop(self) -> None:
        """Close the archives that were read."""
        self._reusable.close()

    def _standing(self, descriptor: int) -> Iterator[Indexed]:
        """The members of an open tar. Raises ValueError where it is not known what they are."""
        if not self._cache:
            raise ValueError("what is in it is known from earlier packs alone, and these do not count (--no-cache)")
        stamp = stamp_of(os.fstat(descriptor))
        members = members_of_tar(stamp)
        self._stamps[descriptor] = stamp
        yield Indexed(b"", [(start, Frame(key, b"", size, size, 0)) for key, start, size in members])

    @property
    def _position(self) -> int:
        """Bytes of all that was added."""
        waiting = self._taken.end - self._taken.start if self._taken is not None else 0
        return self._tar.size + self._copied + waiting

    def _key(self, entry: Entry, size: int, sha256: bytes) -> bytes:
        return digest_of(facts_in_header(self._above, entry, size) + sha256)

    def _take(self, kept: Kept, size: int) -> None:
        """Have a member copied, with those before it if they stand together there, too."""
        end = kept.offset + kept.frame.size
        taken = self._taken
        together = taken is not None and (taken.descriptor, taken.end) == (kept.descriptor, kept.offset)
        if taken is not None and together and end - taken.start <= _MOST:
            self._taken = taken._replace(end=end, files=taken.files + size)
            return
        self._copy_taken()
        self._taken = _Range(kept.descriptor, kept.offset, end, size)

    def _copy_taken(self) -> None:
        """Copy what was taken and not copied yet. Raises OutputFailed where the earlier tar ends before."""
        if self._taken is None:
            return
        taken, self._taken = self._taken, None
        self._tar.flush()
        try:
            _copy(taken, self._file)
        except EOFError as error:
            raise _changed() from error
        self._copied += taken.end - taken.start
        self._advance(taken.files)


def _copy(taken: _Range, file: BinaryIO) -> None:
    """Copy a range to the end of what `file` has. Raises EOFError where there is less of it."""
    size = taken.end - taken.start
    if file.readable():  # a file of ours
        file.flush()
        at = file.tell()
        copy_range(taken.descriptor, taken.start, file.fileno(), at, size)
        file.seek(at + size)
        return
    for start in range(taken.start, taken.end, _CHUNK):  # standard output, whatever that is
        data = os.pread(taken.descriptor, min(_CHUNK, taken.end - start), start)
        if not data:
            raise EOFError
        file.write(data)


def _changed() -> OutputFailed:
    return OutputFailed(
        "the archive from which is taken over changed meanwhile", "pack again when nothing writes to it"
    )
