"""What an audit need not read again: files whose digest is known, and what an earlier one read in files of that digest.

A sink knows the digest of what it has just written, a plan that of what it will write. So the audit reads a file only where nobody
has read the same bytes before, or where their text or headers are needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from bundler.entries import Digests, Stamp
from bundler.leaks.findings import Trace
from bundler.leaks.kind_of_file import FileKind
from bundler.leaks.scanner import NOTHING_SEARCHED, Search
from bundler.memory.readings import NO_READINGS_CACHE, Readings, ReadingsCache

_AGREED = b"=="
_KINDS = tuple(FileKind)
_HAS_HEAD = 8


class Reading(NamedTuple):
    """What was read in a file: the same in each with these bytes, wherever it lies.

    How closely it was looked at depends on whether an index lists it (`leaks.scanner.Closeness`). Bytes that one published stay so.
    """

    kind: FileKind
    traces: Trace
    has_head: bool
    """Whether its beginning tells something: it is a binary or a script."""

    @property
    def code(self) -> bytes:
        """The reading in two bytes."""
        return bytes((_KINDS.index(self.kind) + _HAS_HEAD * self.has_head, self.traces.value))


@cache
def _decoded(code: bytes) -> Reading:
    """The reading of a code. There are few, and tens of thousands of files."""
    first, traces = code
    return Reading(_KINDS[first % _HAS_HEAD], Trace(traces), bool(first & _HAS_HEAD))


class ReadingsBook:
    """What the audits of one environment read: those of earlier packs, and those of this one."""

    def __init__(self, cache: ReadingsCache = NO_READINGS_CACHE) -> None:
        self._cache = cache
        self._subject, self._known = cache.subject, cache.known

    def known(self, subject: bytes) -> Readings:
        """All that is known where `subject` was looked for."""
        return self._known if subject == self._subject else {}

    def keep(self, subject: bytes, readings: Readings) -> None:
        """Leave readings to the next audit, in place of all others."""
        self._subject, self._known = subject, readings
        self._cache.learn(subject, readings)


@dataclass(slots=True)
class Recalled:
    """What is known of the files of one bundle, and what this audit reads."""

    book: ReadingsBook
    subject: bytes
    known: Readings
    digests: Digests
    """Of files, by bundle path; what is not there is read."""
    used: dict[bytes, bytes] = field(default_factory=dict)

    def digest(self, path: str, size: int) -> bytes | None:
        """The SHA-256 of the file at a bundle path, if it has this size (bytes) and its digest is known."""
        digest = self.digests.get(path)
        return digest.sha256 if digest is not None and digest.size == size else None

    def reading(self, sha256: bytes) -> Reading | None:
        """What was read in a file with this digest; None where nobody read it."""
        code = self._known(sha256)
        return _decoded(code) if code else None

    def note(self, sha256: bytes, reading: Reading) -> None:
        """Note what was read in a file."""
        self.used[sha256] = reading.code

    def agrees(self, sha256: bytes, source: Stamp | None) -> bool:
        """Whether two readers agreed on a changed file with this digest, and on how it differs from a source with this stamp."""
        return bool(source) and self._known(_pair(sha256, source or b"")) == _AGREED

    def note_agreement(self, sha256: bytes, source: Stamp | None) -> None:
        """Note that they did."""
        if source:
            self.used[_pair(sha256, source)] = _AGREED

    def keep(self) -> None:
        """Leave all that was used or noted to the next audit."""
        self.book.keep(self.subject, self.used)

    def _known(self, key: bytes) -> bytes:
        if key not in self.used:
            if key not in self.known:
                return b""
            self.used[key] = self.known[key]
        return self.used[key]


def recalled(book: ReadingsBook, search: Search, digests: Digests) -> Recalled:
    """What is known of files in which the same was looked for."""
    subject = search.digest
    return Recalled(book, subject, book.known(subject), digests)


def nothing_recalled() -> Recalled:
    """For a bundle of which nothing is known."""
    return recalled(ReadingsBook(), NOTHING_SEARCHED, {})


def _pair(sha256: bytes, source: Stamp) -> bytes:
    return hashlib.sha256(sha256 + source).digest()
