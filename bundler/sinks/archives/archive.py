"""The sink of every archive: the output, the digests, and the way from opening to placing. A format writes the members."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from bundler.destination import ArchiveDestination
from bundler.entries import Deferred, Digest, Digests, Entry, Literal, Patched, Source, size_of
from bundler.files import named
from bundler.machine import os
from bundler.options import ImageOptions
from bundler.output_facts import ArchiveFacts
from bundler.progress import ignore
from bundler.sinks import Written
from bundler.sinks.archives.output import ByteStream, Output, open_output
from bundler.sinks.copying import (
    SMALL,
    changed,
    open_source,
    read_small,
    same_as_known,
    send,
    send_patched,
    source_chunks,
)
from bundler.sinks.room import FULL, no_room


@dataclass(frozen=True, slots=True)
class ArchiveSettings:
    """How an archive is written."""

    facts: ArchiveFacts
    stem: str = "bundle"
    """The archive's name without its suffix."""
    top: str = ""
    """A folder above all entries; "" for none."""
    level: int | None = None
    """The level of the compression; None for the format's own."""
    threads: int = 2
    """Number of blocks compressed at once: it does not show in the bytes."""
    image: ImageOptions = field(default_factory=ImageOptions)
    """For formats that are images."""
    reuse: tuple[str, ...] = ()
    """Archives whose frames are taken over where this one would have the same."""
    cache: bool = True
    """Whether what is known of earlier packs counts, and what this one does is kept for later ones."""
    advance: Callable[[int], object] = ignore
    """Told of the bytes of files as they are done."""


class MemberWriter(Protocol):
    """Writes the members of one format. It is made from an `Output` and `ArchiveSettings`, and opens the output then."""

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """Write one entry, and note the digest of a file; a format that must have all first does so in `end`."""

    def end(self, digests: dict[str, Digest]) -> None:
        """Write all that is left."""

    def note(self, place: str) -> None:
        """Note for later packs what they may take from the archive, which is at `place` now."""

    def notes(self) -> tuple[str, ...]:
        """What a person wants to know of an archive that is written."""

    def stop(self) -> None:
        """Stop threads and processes, if they still run, and close what was opened."""


class ArchiveSink:
    """A sink into one file; see `sinks.Sink`."""

    def __init__(self, output: Output, writer: MemberWriter, *, cache: bool = True, size: int = 0) -> None:
        """`cache` says whether later packs shall know of it, `size` how many bytes its files have, about."""
        self._cache = cache
        self._size = size
        self._output = output
        self._writer = writer
        self._digests: dict[str, Digest] = {}
        self._entries = 0

    def __enter__(self) -> ArchiveSink:
        """Nothing: it is open already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and remove what is not in place."""
        try:
            self._writer.stop()
        finally:
            self._output.discard()

    def begin(self, entries: Sequence[Entry]) -> None:
        """Nothing: an archive has an order."""

    def add(self, entry: Entry) -> None:
        """Write one entry."""
        self._entries += 1
        try:
            self._writer.write(entry, self._digests)
        except OSError as error:
            raise _told(error, self._output, self._size) from error.__cause__

    def finish(self) -> Written:
        """End the archive under its temporary name. Raises NoRoom for a full disk, OSError."""
        try:
            self._writer.end(self._digests)
            file = self._output.finish()
        except OSError as error:
            raise _told(error, self._output, self._size) from error.__cause__
        return Written(file.path, self._digests, self._entries, file.size, notes=self._writer.notes())

    def accompany(self, lines: bytes) -> None:
        """Write the file that belongs to the finished archive, and gets its place with it. Raises NoRoom, OSError."""
        try:
            self._output.accompany(lines)
        except OSError as error:
            raise _told(error, self._output, self._size) from error.__cause__

    def begin_again(self) -> bool:
        """Never: an archive has an order."""
        return False

    def replace(self, entry: Entry) -> bool:
        """Never: what follows a member would have to move."""
        return False

    def place(self) -> str:
        """Put the archive in place. One that it replaces is let go before: where something was taken from that, it is open."""
        self._writer.stop()
        place = self._output.place()
        if self._cache:
            self._writer.note(place)
        return place


def _told(error: BaseException, output: Output, size: int) -> BaseException:
    """An error, told of the archive where it tells of no file; of a full disk with the `size` of all files."""
    if not isinstance(error, OSError):
        return error
    if error.errno in FULL and output.folder is not None:
        return no_room(error, output.folder, size, " at most, before anything is compressed")
    return named(error, output.shown)


def open_archive(destination: ArchiveDestination, settings: ArchiveSettings) -> ArchiveSink:
    """The sink into an archive, opened. Raises OutputExists, OutputFailed."""
    output = open_output(destination)
    try:
        writer: MemberWriter = destination.form.find_writer()(output, settings)
    except BaseException as error:
        output.discard()
        raise _told(error, output, settings.facts.size) from error.__cause__
    return ArchiveSink(output, writer, cache=settings.cache, size=settings.facts.size)


class MemberBytes:
    """The bytes of a file entry on their way into an archive: the size beforehand, the digest afterwards."""

    def __init__(self, entry: Entry, digests: Digests) -> None:
        self._entry = entry
        self._data: bytes | None = None
        match entry.content:
            case Source() | Patched():
                self.size = size_of(entry.content)
            case Literal(data):
                self._data = data
                self.size = len(data)
            case Deferred(make):
                self._data = make(digests)
                self.size = len(self._data)
            case _:
                raise TypeError(f"{entry.path} is no file")

    def send(self, stream: ByteStream) -> Digest:
        """Write the bytes to `stream`. Raises OutputFailed where they are not as many as they were said to be."""
        if self._data is not None:
            stream.write(self._data)
            return Digest(hashlib.sha256(self._data).digest(), self.size)
        if isinstance(self._entry.content, Source):
            return _send_source(self._entry.content, stream)
        assert isinstance(self._entry.content, Patched)
        with open(open_source(self._entry.content.path), "rb") as source:
            return send_patched(self._entry.content, source, stream.write)


def _send_source(source: Source, stream: ByteStream) -> Digest:
    """Write a source's bytes; they are hashed unless the digest is known."""
    reader = open_source(source.path)
    try:
        if source.size < SMALL:
            data, digest = read_small(source, reader)
            stream.write(data)
            return digest
        known = source.sha256 if same_as_known(reader, source) else None
        digest = send(source_chunks(source, reader), stream.write, known)
        if not same_as_known(reader, source) and known is not None:
            raise changed(source.path)
        return digest
    finally:
        os.close(reader)
