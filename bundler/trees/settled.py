"""Entries whose bytes are all decided: hashed, and made of others' digests, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bundler.entries import Deferred, Digest, Digests, Directory, Entry, Link, Literal, Patched, Source, stamp_of
from bundler.files import opened
from bundler.machine import os
from bundler.sinks.copying import chunks, hash_chunks
from bundler.trees.threads import in_threads

_LARGEST_HELD = 1 << 24  # bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """Entries whose bytes are all decided: none is deferred, and each file's digest is known."""

    entries: tuple[Entry, ...]
    digests: Digests


def settle(entries: Sequence[Entry], held: Collection[str] = ()) -> Settled:
    """Hash what nobody has hashed yet, and make what is made of digests. Raises OutputFailed for a file that changes meanwhile.

    Files at the bundle paths that are `held` are read to be kept in memory: whatever becomes of their sources does not matter then.
    """
    entries = [_held(entry) if entry.path in held else entry for entry in entries]
    digests: dict[str, Digest] = {}
    settled = []
    for entry, known in in_threads(entries, _digest):
        content, digest = entry.content, known
        if isinstance(content, Deferred):
            content = Literal(content.make(digests))
            digest = _digest(entry._replace(content=content))
        elif digest is not None and isinstance(content, Source):
            content = content._replace(sha256=digest.sha256)
        elif digest is not None and isinstance(content, Patched):
            content = replace(content, sha256=digest.sha256)
        if digest is not None:
            digests[entry.path] = digest
        settled.append(entry._replace(content=content))
    return Settled(tuple(settled), digests)


def altered(settled: Settled) -> frozenset[str]:
    """The bundle paths of files that are not what they were any more, and that can be held."""
    return frozenset(
        entry.path
        for entry in settled.entries
        if isinstance(entry.content, Source) and _is_altered(entry.content, settled.digests[entry.path])
    )


def _is_altered(source: Source, digest: Digest) -> bool:
    try:
        facts = os.stat(source.path)
        if facts.st_size > _LARGEST_HELD or (source.stamp and source.stamp == stamp_of(facts)):
            return False
        if facts.st_size != digest.size:
            return True
        with open(source.path, "rb") as file:
            return hashlib.sha256(file.read()).digest() != digest.sha256
    except OSError:
        return False


def _held(entry: Entry) -> Entry:
    """A file entry with its bytes in memory. Raises OSError."""
    if not isinstance(entry.content, Source):
        return entry
    with opened(entry.content.path) as file:
        return entry._replace(content=Literal(file.read()))


def _digest(entry: Entry) -> Digest | None:
    """The digest of a file whose bytes are known; None for what has none, or not yet."""
    match entry.content:
        case Directory() | Link() | Deferred():
            return None
        case Source(_, size, _, sha256) if sha256 is not None:
            return Digest(sha256, size)
        case Patched(_, patch, _, sha256) if sha256 is not None:
            return Digest(sha256, patch.size)
        case Literal(data):
            return Digest(hashlib.sha256(data).digest(), len(data))
        case _:
            return hash_chunks(chunks(entry, {}))
