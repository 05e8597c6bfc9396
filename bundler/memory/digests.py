"""What earlier packs of an environment learned of its files: the SHA-256 of each, by a stamp that changes with the file.

`~/.cache/bundler/digests/<digest of the environment's path>`, the newest few of them. A stamp (device, inode, size, times of the
content and of the last change, see `entries.Stamp`) is noted only of a file that was left alone for a while, so no later change can
have the same; who relies on a digest looks at the stamp again when the bytes have been taken.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bundler.binaries.patch import Computed, Literal, Patch, Range, Zeros
from bundler.entries import STAMP_SIZE, Digests, Entry, Patched, Source, Stamp
from bundler.memory.store import cache_file, mark_used, read_sealed, with_spare, write_sealed
from bundler.version import VERSION

_KEPT = 32
_FINGERPRINT, _DIGEST = 16, 32  # bytes
_COUNT = struct.Struct("=Q")
_WHOLE = struct.Struct(f"{STAMP_SIZE}s{_DIGEST}s")
_PATCHED = struct.Struct(f"{STAMP_SIZE + _FINGERPRINT}s{_DIGEST}s")
_HEADER = f"bundler digests 1 {VERSION}\n".encode()

Known = Mapping[bytes, bytes]
"""SHA-256 by `key_of` what has it."""
NOTHING_KNOWN: Known = {}


def key_of(stamp: Stamp | None, patch: Patch | None = None) -> bytes | None:
    """What a file's digest is known by: the stamp, and the patch over it. None where nothing can be known."""
    if stamp is None:
        return None
    if patch is None:
        return stamp
    print_of_patch = _fingerprint(patch)
    return None if print_of_patch is None else stamp + print_of_patch


def with_known_digests(entries: dict[str, Entry], known: Known) -> None:
    """Tell the entries' files what their digests are, where that is known. (Most were told when they were found.)"""
    if not known:
        return
    for path, entry in entries.items():
        content = entry.content
        if not isinstance(content, (Source, Patched)) or content.stamp is None or content.sha256 is not None:
            continue
        key = key_of(content.stamp, content.patch if isinstance(content, Patched) else None)
        sha256 = known.get(key) if key is not None else None
        if sha256 is not None:
            told = content._replace(sha256=sha256) if isinstance(content, Source) else replace(content, sha256=sha256)
            entries[path] = entry._replace(content=told)


@dataclass(frozen=True, slots=True)
class DigestCache:
    """The digests that are known of one environment's files, and the file that holds them ("" for none)."""

    path: str
    known: Known

    def learn(self, entries: Iterable[Entry], digests: Digests, stamps: Mapping[str, Stamp]) -> None:
        """Note what a pack has written.

        `stamps` are those of sources that changed with the pack (hard links change the last), by bundle path. Does nothing
        where there can be no cache.
        """
        if not self.path:
            return
        used: dict[bytes, bytes] = {}
        for entry in entries:
            content = entry.content
            if isinstance(content, Source):
                key = stamps.get(entry.path, content.stamp)
            elif isinstance(content, Patched):
                key = key_of(content.stamp, content.patch)
            else:
                continue
            digest = digests.get(entry.path)
            if key and digest is not None:
                used[key] = digest.sha256
        if all(self.known.get(key) == sha256 for key, sha256 in used.items()):
            mark_used(self.path)
            return
        write_sealed(self.path, _HEADER, _pack(with_spare(self.known, used)), kept=_KEPT)


NO_DIGEST_CACHE = DigestCache("", NOTHING_KNOWN)


def open_digest_cache(environment: str) -> DigestCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged or of another version."""
    path = cache_file("digests", environment)
    if path is None:
        return NO_DIGEST_CACHE
    try:
        return DigestCache(path, _unpack(read_sealed(path, _HEADER)))
    except (OSError, ValueError, struct.error):
        return DigestCache(path, {})


def _pack(known: Known) -> bytes:
    """The number of whole files, records of those and of the patched ones."""
    whole = [_WHOLE.pack(key, sha256) for key, sha256 in known.items() if len(key) == STAMP_SIZE]
    patched = [_PATCHED.pack(key, sha256) for key, sha256 in known.items() if len(key) != STAMP_SIZE]
    return _COUNT.pack(len(whole)) + b"".join(whole) + b"".join(patched)


def _unpack(body: memoryview) -> Known:
    """The digests in a file."""
    (count,) = _COUNT.unpack_from(body)
    start = _COUNT.size
    middle = start + count * _WHOLE.size
    known: dict[bytes, bytes] = dict(_WHOLE.iter_unpack(body[start:middle]))
    known.update(_PATCHED.iter_unpack(body[middle:]))
    return known


def _fingerprint(patch: Patch) -> bytes | None:
    """What tells a patch from others; None for one that has computed pieces, which are no data."""
    hasher = hashlib.sha256()
    for piece in patch.pieces:
        match piece:
            case Range(offset, length):
                hasher.update(b"R%d,%d;" % (offset, length))
            case Literal(data):
                hasher.update(b"L%d;" % len(data))
                hasher.update(data)
            case Zeros(length):
                hasher.update(b"Z%d;" % length)
            case Computed():
                return None
    return hasher.digest()[:_FINGERPRINT]
