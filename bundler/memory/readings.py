"""What the audits of earlier packs read in files, by the files' digests: what it means the audit knows (`audit.recalled`).

`~/.cache/bundler/readings/<digest of the environment's path>`, the newest few of them. They are of one version of bundler, and
of the paths that were looked for.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.memory.store import cache_file, mark_used, read_sealed, write_sealed
from bundler.version import VERSION

_KEPT = 32
_HEADER = f"bundler readings 2 {VERSION}\n".encode()
_DIGEST = 32  # bytes
_ROW = struct.Struct(f"{_DIGEST}s2s")

Readings = Mapping[bytes, bytes]
"""Two bytes for each SHA-256."""


@dataclass(frozen=True, slots=True)
class ReadingsCache:
    """What is known of one environment's files."""

    path: str
    """The file that holds it; "" for none."""
    subject: bytes = b""
    """The SHA-256 of what was looked for."""
    known: Readings = field(default_factory=dict)

    def learn(self, subject: bytes, readings: Readings) -> None:
        """Note readings in place of those that are known. Does nothing where there can be no cache."""
        if not self.path:
            return
        if subject == self.subject and readings == self.known:
            mark_used(self.path)
            return
        write_sealed(self.path, _HEADER, subject + b"".join(_ROW.pack(*row) for row in readings.items()), kept=_KEPT)


NO_READINGS_CACHE = ReadingsCache("")


def open_readings_cache(environment: str) -> ReadingsCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged or of another version."""
    path = cache_file("readings", environment)
    if path is None:
        return NO_READINGS_CACHE
    try:
        body = read_sealed(path, _HEADER)
        return ReadingsCache(path, bytes(body[:_DIGEST]), dict(_ROW.iter_unpack(body[_DIGEST:])))
    except (OSError, ValueError, struct.error):
        return ReadingsCache(path)
