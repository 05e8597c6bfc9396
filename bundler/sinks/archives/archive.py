"""What all sinks of one file have in common: the output, the digests, and the way from opening to placing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol

from bundler.entries import Deferred, Digest, Digests, Entry, Literal, Patched, Source
from bundler.progress import ignore
from bundler.sinks import Written
from bundler.sinks.archives.output import Output
from bundler.sinks.copying import SMALL, changed, read_small, same_as_known, send_patched


class ArchiveSink:
    """A sink into one file; a format fills in `start`, `write`, `end` and `stop`. See `sinks.Sink`."""

    def __init__(self, output: Output) -> None:
        self.advance: Callable[[int], object] = ignore
        self._output = output
        self._digests: dict[str, Digest] = {}
        self._entries = 0

    def __enter__(self) -> ArchiveSink:
        """Check the target, open the output."""
        try:
            self.start(self._output)
        except BaseException:
            self._output.discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and remove what is not in place."""
        try:
            self.stop()
        finally:
            self._output.discard()

    def begin(self, entries: Sequence[Entry]) -> None:
        """Nothing: an archive has an order."""

    def add(self, entry: Entry) -> None:
        """Write one entry."""
        self._entries += 1
        self.write(entry)
        if isinstance(entry.content, Source):
            self.advance(entry.content.size)

    def finish(self) -> Written:
        """End the archive under its temporary name."""
        self.end()
        path, size = self._output.finish()
        return Written(path, self._digests, self._entries, size)

    def place(self) -> str:
        """Put the archive in place."""
        return self._output.place()

    def start(self, output: Output) -> None:
        """Open the output and begin the archive."""
        raise NotImplementedError

    def write(self, entry: Entry) -> None:
        """Write one entry, and note its digest."""
        raise NotImplementedError

    def end(self) -> None:
        """Write all that is left."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop threads and processes, if they still run."""


class Writer(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes) -> object:
        """Take all of `data`."""


class Content:
    """The bytes of a file entry on their way into an archive: the size beforehand, the digest afterwards."""

    def __init__(self, entry: Entry, digests: Digests) -> None:
        self._entry = entry
        self._data: bytes | None = None
        match entry.content:
            case Source(_, size):
                self.size = size
            case Patched(_, patch):
                self.size = patch.size
            case Literal(data):
                self._data = data
                self.size = len(data)
            case Deferred(make):
                self._data = make(digests)
                self.size = len(self._data)
            case _:
                raise TypeError(f"{entry.path} is no file")

    def send(self, file: Writer) -> Digest:
        """Write the bytes to `file`. Raises OutputFailed where they are not as many as they were said to be."""
        if self._data is not None:
            file.write(self._data)
            return Digest(hashlib.sha256(self._data).digest(), self.size)
        if isinstance(self._entry.content, Source):
            return _send_source(self._entry.content, file)
        assert isinstance(self._entry.content, Patched)
        with open(self._entry.content.path, "rb") as source:
            return send_patched(self._entry.content, source, file.write)


def _send_source(source: Source, file: Writer) -> Digest:
    """Write a source's bytes; they are hashed unless the digest is known."""
    reader = os.open(source.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if source.size < SMALL:
            data, digest = read_small(source, reader)
            file.write(data)
            return digest
        known = source.sha256 if same_as_known(reader, source) else None
        hasher = hashlib.sha256()
        left = source.size
        while chunk := os.read(reader, min(SMALL, left + 1)):
            left -= len(chunk)
            if left < 0:
                break
            if known is None:
                hasher.update(chunk)
            file.write(chunk)
        if left or (known is not None and not same_as_known(reader, source)):
            raise changed(source.path)
        return Digest(known or hasher.digest(), source.size)
    finally:
        os.close(reader)
