"""What an audit need not read again: files whose digest is known, and what an earlier one read in files of that digest.

A sink knows the digest of what it has just written, a plan that of what it will write. So the audit reads a file only where nobody
has read the same bytes before, or where their text or headers are needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bundler.audit.leaks import Leak
from bundler.entries import Digests, Stamp
from bundler.machine import os
from bundler.memory.readings import NO_READINGS_CACHE, Readings, ReadingsCache

_PLAIN: Mapping[Leak | None, bytes] = {None: b"-", Leak.TEXT: b"t", Leak.PYC: b"p", Leak.BINARY: b"b"}
_WITH_HEAD: Mapping[Leak | None, bytes] = {None: b"_", Leak.TEXT: b"T", Leak.PYC: b"P", Leak.BINARY: b"B"}
_LEAKS = {code: leak for codes in (_PLAIN, _WITH_HEAD) for leak, code in codes.items()}
_PLAIN_CODES = frozenset(_PLAIN.values())
_AGREED = b"="


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

    def knows(self, sha256: bytes) -> bool:
        """Whether a file with this digest was looked through."""
        return self._known(sha256) in _LEAKS

    def is_plain(self, sha256: bytes) -> bool:
        """Whether a file with this digest was looked through, and its beginning tells nothing: it is no binary and no script."""
        return self._known(sha256) in _PLAIN_CODES

    def leak(self, sha256: bytes) -> Leak | None:
        """What was found in a file with this digest, which was looked through."""
        return _LEAKS[self._known(sha256)]

    def note(self, sha256: bytes, leak: Leak | None, *, plain: bool) -> None:
        """Note what was found in a file."""
        self.used[sha256] = (_PLAIN if plain else _WITH_HEAD)[leak]

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


def recalled(book: ReadingsBook, prefixes: Iterable[str], digests: Digests) -> Recalled:
    """What is known of files in which `prefixes` (paths of the source) were looked for."""
    hasher = hashlib.sha256()
    for prefix in prefixes:
        hasher.update(os.fsencode(prefix) + b"\0")
    subject = hasher.digest()
    return Recalled(book, subject, book.known(subject), digests)


def nothing_recalled() -> Recalled:
    """For a bundle of which nothing is known."""
    return recalled(ReadingsBook(), (), {})


def _pair(sha256: bytes, source: Stamp) -> bytes:
    return hashlib.sha256(sha256 + source).digest()
