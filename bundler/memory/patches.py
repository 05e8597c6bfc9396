"""What earlier packs of an environment planned for its ELF files: the patch of each, by the file's stamp and the wanted edits.

`~/.cache/bundler/patches/<digest of the environment's path>`, the newest few of them. A patch follows from the file's bytes and the
edits alone, and was checked when it was planned. One that another version of the patcher planned is not believed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import bundler.binaries
from bundler.binaries.elf import Edits, PatchPlan
from bundler.binaries.patch import Literal, Patch, Piece, Range, Zeros
from bundler.entries import STAMP_SIZE, Stamp
from bundler.machine import os
from bundler.memory.store import cache_file, mark_used, read_sealed, with_spare, write_sealed
from bundler.version import VERSION

_KEPT = 16
_FINGERPRINT = 16  # bytes
_KEY = STAMP_SIZE + _FINGERPRINT
_RECORD = struct.Struct(f"={_KEY}s2sI")
_PIECE = struct.Struct("=cQQ")


class Planned(NamedTuple):
    """A patch, None where the file stays as it is, and the name of the tier that found room for it."""

    patch: Patch | None
    tier: str = ""


@dataclass(frozen=True, slots=True)
class PatchCache:
    """The patches of one environment's files. It notes each one that a pack asks for, so that the next has it."""

    path: str
    """The file that holds them; "" for none."""
    known: Mapping[bytes, Planned]
    """Those of earlier packs."""
    used: dict[bytes, Planned] = field(default_factory=dict)
    """Those that this pack asked for."""

    def recall(self, stamp: Stamp | None, edits: Edits) -> Planned | None:
        """What was planned for a file with this stamp; None where it was not yet."""
        if not self.path or not stamp:
            return None
        key = _key(stamp, edits)
        planned = self.known.get(key)
        if planned is not None:
            self.used[key] = planned
        return planned

    def note(self, stamp: Stamp | None, edits: Edits, plan: PatchPlan | None) -> Planned:
        """What is planned for the file with this stamp (None where nothing tells that it is still the one that was read)."""
        planned = Planned(None) if plan is None else Planned(plan.patch, plan.tier.name)
        if self.path and stamp and (planned.patch is None or all(map(_is_data, planned.patch.pieces))):
            self.used[_key(stamp, edits)] = planned
        return planned

    def learn(self) -> None:
        """Keep what this pack asked for, for the next. Does nothing where there can be no cache."""
        if not self.path or not self.used:
            return
        if self.used.keys() <= self.known.keys():
            mark_used(self.path)
        else:
            write_sealed(self.path, _header(), _pack(with_spare(self.known, self.used)), kept=_KEPT)


NO_PATCH_CACHE = PatchCache("", {})


def open_patch_cache(environment: str) -> PatchCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged or of another patcher."""
    path = cache_file("patches", environment)
    if path is None:
        return NO_PATCH_CACHE
    try:
        return PatchCache(path, _unpack(read_sealed(path, _header())))
    except (OSError, ValueError, struct.error):
        return PatchCache(path, {})


def _key(stamp: Stamp, edits: Edits) -> bytes:
    return stamp + hashlib.sha256(repr(edits).encode("utf-8", "surrogateescape")).digest()[:_FINGERPRINT]


def _is_data(piece: Piece) -> bool:
    return isinstance(piece, (Range, Literal, Zeros))


def _pack(known: Mapping[bytes, Planned]) -> bytes:
    """A record of each patch with its pieces behind it."""
    parts = []
    for key, planned in known.items():
        pieces = planned.patch.pieces if planned.patch is not None else ()
        parts.append(_RECORD.pack(key, planned.tier.encode(), len(pieces)))
        for piece in pieces:
            match piece:
                case Range(offset, length):
                    parts.append(_PIECE.pack(b"R", offset, length))
                case Literal(data):
                    parts += (_PIECE.pack(b"L", 0, len(data)), data)
                case Zeros(length):
                    parts.append(_PIECE.pack(b"Z", 0, length))
    return b"".join(parts)


def _unpack(body: memoryview) -> dict[bytes, Planned]:
    """The patches in a file."""
    known = {}
    at = 0
    while at < len(body):
        key, tier, count = _RECORD.unpack_from(body, at)
        at += _RECORD.size
        pieces = []
        for _ in range(count):
            piece, at = _read_piece(body, at)
            pieces.append(piece)
        known[key] = Planned(Patch(tuple(pieces)), tier.decode()) if count else Planned(None)
    return known


def _read_piece(body: memoryview, at: int) -> tuple[Piece, int]:
    """The piece at an offset, and the offset behind it."""
    kind, offset, length = _PIECE.unpack_from(body, at)
    at += _PIECE.size
    if kind == b"R":
        return Range(offset, length), at
    if kind == b"Z":
        return Zeros(length), at
    return Literal(bytes(body[at : at + length])), at + length


@cache
def _header() -> bytes:
    """What tells this patcher from others: its version, and the sizes and times of its modules and stubs."""
    hasher = hashlib.sha256()
    for facts in _modules(os.path.dirname(bundler.binaries.__file__)):
        hasher.update(b"%d %d\n" % (facts.st_size, facts.st_mtime_ns))
    return f"bundler patches 1 {VERSION} {hasher.hexdigest()}\n".encode()


def _modules(folder: str) -> Iterator[os.stat_result]:
    with os.scandir(folder) as items:
        for item in sorted(items, key=lambda item: item.name):
            if item.is_dir(follow_symlinks=False):
                yield from _modules(item.path)
            elif item.name.endswith((".py", ".bin")):  # modules, and the entry stubs
                yield item.stat()
