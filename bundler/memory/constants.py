"""The paths that are compiled into libraries of the host, by a library's stamp: each library is searched but once.

`~/.cache/bundler/constants/<digest of the environment's path>`, the newest few of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bundler.entries import Stamp, stamp_of
from bundler.machine import os
from bundler.memory.store import cache_file, mark_used, read_sealed, write_sealed
from bundler.version import VERSION

_KEPT = 32
_HEADER = f"bundler constants 1 {VERSION}\n".encode()


@dataclass(frozen=True, slots=True)
class ConstantsCache:
    """The paths in the libraries of one environment. It notes what a pack asks for, so that the next has it."""

    path: str
    """The file that holds them; "" for none."""
    known: Mapping[Stamp, tuple[str, ...]]
    """Those of earlier packs."""
    used: dict[Stamp, tuple[str, ...]] = field(default_factory=dict)
    """Those that this pack asked for."""

    def recall(self, facts: os.stat_result) -> tuple[str, ...] | None:
        """The paths in the file with these facts; None where nobody has looked yet."""
        stamp = stamp_of(facts)
        found = self.known.get(stamp)
        if found is not None:
            self.used[stamp] = found
        return found

    def note(self, facts: os.stat_result, paths: tuple[str, ...]) -> None:
        """Note the paths in the file with these facts."""
        if self.path and (stamp := stamp_of(facts)):
            self.used[stamp] = paths

    def learn(self) -> None:
        """Keep what this pack asked for, for the next. Does nothing where there can be no cache."""
        if not self.path or not self.used:
            return
        if self.used == self.known:
            mark_used(self.path)
            return
        rows = {stamp.hex(): paths for stamp, paths in self.used.items()}
        write_sealed(self.path, _HEADER, json.dumps(rows).encode(), kept=_KEPT)


NO_CONSTANTS_CACHE = ConstantsCache("", {})


def open_constants_cache(environment: str) -> ConstantsCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged or of another version."""
    path = cache_file("constants", environment)
    if path is None:
        return NO_CONSTANTS_CACHE
    try:
        rows = json.loads(bytes(read_sealed(path, _HEADER)))
        return ConstantsCache(path, {bytes.fromhex(stamp): tuple(paths) for stamp, paths in rows.items()})
    except (OSError, ValueError):
        return ConstantsCache(path, {})
