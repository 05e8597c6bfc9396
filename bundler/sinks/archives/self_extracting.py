"""A bundle as one file that unpacks itself: a text in POSIX sh, and behind it a gzipped tar archive.

What the text says of the archive (its sizes and checksum) is known when the archive is written: it is filled in last, into
places of a fixed width.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from typing import BinaryIO

from bundler.entries import Digest, Entry
from bundler.output_facts import ArchiveFacts
from bundler.sinks.archives.archive import ArchiveSettings
from bundler.sinks.archives.compression import GZIP, open_compressor
from bundler.sinks.archives.output import Output
from bundler.sinks.archives.tar import TarStream

_NUMBER = 20  # digits of a size in bytes
_WIDTHS = {"OFFSET": _NUMBER, "SIZE": _NUMBER, "SHA256": 64, "TOTAL": _NUMBER, "UNPACKED": _NUMBER}
_PLACE = re.compile(r"'@([A-Z_]+)@'|@([A-Z0-9]+)@")  # a word for the shell; a number


class RunWriter:
    """Writes the text with empty places, then streams entries into the archive behind it; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        self._name, self._facts = settings.stem, settings.facts
        self._unpacked = 0
        self._file = output.open(executable=True)
        self._file.write(header(self._name, self._facts))
        self._payload = _Summed(self._file)
        self._stream = open_compressor(GZIP, self._payload, settings.level, settings.threads)
        self._tar = TarStream(self._stream)

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter."""
        digest = self._tar.add(entry, digests)
        if digest is not None:
            digests[entry.path] = digest
            self._unpacked += digest.size

    def end(self, digests: dict[str, Digest]) -> None:
        """End the archive, and fill in what is known now."""
        self._tar.end()
        self._stream.close()
        self._file.flush()
        self._file.seek(0)
        self._file.write(header(self._name, self._facts, self._payload, self._unpacked))

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


def header(name: str, facts: ArchiveFacts, payload: _Summed | None = None, unpacked: int = 0) -> bytes:
    """The text; of the same length with and without what is known of the payload.

    `name` is the folder that it unpacks into unless told otherwise, `unpacked` the bytes of all files there.
    """
    with open(os.path.join(os.path.dirname(__file__), "self_extracting_header.sh"), encoding="utf-8") as file:
        text = file.read()
    needs = facts.needs
    words = {
        "NAME": name,
        "START": facts.start,
        "SYSTEM": needs.system,
        "MACHINES": " ".join(needs.machines),
        "RUNS_ON": " ".join(needs.runs_on),
        "LIBC": needs.libc,
        "RELEASE": needs.release,
    }

    def filled(numbers: dict[str, str]) -> bytes:
        def value(match: re.Match[str]) -> str:
            word, number = match.groups()
            return shlex.quote(words[word]) if word else f"{numbers.get(number, ''):<{_WIDTHS[number]}}"

        return os.fsencode(_PLACE.sub(value, text))

    empty = filled({})
    if payload is None:
        return empty
    return filled(
        {
            "OFFSET": f"{len(empty)}",
            "SIZE": f"{payload.size}",
            "SHA256": payload.sha256.hexdigest(),
            "TOTAL": f"{len(empty) + payload.size}",
            "UNPACKED": f"{-(-unpacked // 1024)}",
        }
    )
