"""What all sinks of one file have in common: the output, the digests, and the way from opening to placing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

from bundler.errors import OutputFailed
from bundler.plan.entries import Deferred, Digest, Digests, Entry, Literal, Patched, Source
from bundler.sinks import Written
from bundler.sinks.copying import chunks
from bundler.sinks.output import Output


class ArchiveSink:
    """A sink into one file; a format fills in `start`, `write`, `end` and `stop`. See `sinks.Sink`."""

    def __init__(self, output: Output) -> None:
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

    def add(self, entry: Entry) -> None:
        """Write one entry."""
        self._entries += 1
        self.write(entry)

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
        self._path = entry.path
        match entry.content:
            case Deferred(make):
                data = make(digests)
                self.size = len(data)
                self._chunks: Iterator[bytes] = iter((data,))
            case Literal(data):
                self.size = len(data)
                self._chunks = iter((data,))
            case Source(_, size):
                self.size = size
                self._chunks = chunks(entry, digests)
            case Patched(_, patch):
                self.size = patch.size
                self._chunks = chunks(entry, digests)
            case _:
                raise TypeError(f"{entry.path} is no file")

    def send(self, file: Writer) -> Digest:
        """Write the bytes to `file`. Raises OutputFailed where they are not as many as they were said to be."""
        hasher = hashlib.sha256()
        written = 0
        for chunk in self._chunks:
            hasher.update(chunk)
            file.write(chunk)
            written += len(chunk)
        if written != self.size:
            raise OutputFailed(f"{self._path} changed while it was packed")
        return Digest(hasher.digest(), written)
