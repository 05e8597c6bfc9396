"""Import proofs of earlier packs of an environment, as bytes: what they mean the audit knows (`audit.proofs`).

`~/.cache/bundler/imports/<digest of the environment's path>`, the newest few of them. They are of one version of bundler.
"""

from __future__ import annotations

from dataclasses import dataclass

from bundler.memory.store import cache_file, mark_used, read_sealed, write_sealed
from bundler.version import VERSION

_KEPT = 32
_HEADER = f"bundler imports 1 {VERSION}\n".encode()


@dataclass(frozen=True, slots=True)
class ImportsCache:
    """The proofs of one environment."""

    path: str
    """The file that holds them; "" for none."""
    known: bytes = b""
    """b"" for none."""

    def learn(self, proofs: bytes) -> None:
        """Note proofs in place of those that are known. Does nothing where there can be no cache."""
        if not self.path:
            return
        if proofs == self.known:
            mark_used(self.path)
            return
        write_sealed(self.path, _HEADER, proofs, kept=_KEPT)


NO_IMPORTS_CACHE = ImportsCache("")


def open_imports_cache(environment: str) -> ImportsCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged or of another version."""
    path = cache_file("imports", environment)
    if path is None:
        return NO_IMPORTS_CACHE
    try:
        return ImportsCache(path, bytes(read_sealed(path, _HEADER)))
    except (OSError, ValueError):
        return ImportsCache(path)
