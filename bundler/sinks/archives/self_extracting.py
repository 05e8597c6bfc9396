"""A bundle as one file that unpacks itself: a text in POSIX sh, and behind it a gzipped tar archive.

What the text says of the archive (its size and checksum) is known when the archive is written: it is filled in last, into
places of a fixed width.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from typing import BinaryIO

from bundler.entries import Digest, Entry
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.compression import GZIP, open_compressor
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.tar import TarStream

_NUMBER = 20  # digits of a size in bytes


class RunWriter:
    """Writes the text with empty places, then streams entries into the archive behind it; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        self._name, self._start = settings.stem, settings.facts.start
        self._file = output.open(executable=True)
        self._file.write(header(self._name, self._start))
        self._payload = _Summed(self._file)
        self._stream = open_compressor(GZIP, self._payload, settings.level, settings.threads)
        self._tar = TarStream(self._stream)

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        digest = self._tar.add(entry, digests)
        if digest is not None:
            digests[entry.path] = digest

    def end(self, digests: dict[str, Digest]) -> None:
        """End the archive, and fill in what is known now."""
        self._tar.end()
        self._stream.close()
        self._file.flush()
        self._file.seek(0)
        self._file.write(header(self._name, self._start, self._payload))

    def stop(self) -> None:
        """Stop the compressing threads."""
        self._stream.abandon()


class _Summed:
    """Passes bytes on to a file and sums them up: size and SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self.sha256.update(data)
        self.size += len(data)
        return len(data)


def header(name: str, start: str, payload: _Summed | None = None) -> bytes:
    """The text; of the same length with and without what is known of the payload.

    `name` is the folder that it unpacks into unless told otherwise, `start` the bundle path of the program to start, or "".
    """
    with open(os.path.join(os.path.dirname(__file__), "self_extracting_header.sh"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("'@NAME@'", shlex.quote(name)).replace("'@START@'", shlex.quote(start))
    size = f"{payload.size}" if payload is not None else ""
    text = text.replace("@SIZE@", f"{size:<{_NUMBER}}")
    text = text.replace("@SHA256@", payload.sha256.hexdigest() if payload is not None else " " * 64)
    offset = len(os.fsencode(text)) - len("@OFFSET@") + _NUMBER
    return os.fsencode(text.replace("@OFFSET@", f"{offset:<{_NUMBER}}"))
