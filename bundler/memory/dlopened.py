"""Libraries of this machine that an environment's modules opened at run time (`dlopen`) when it was last packed and tried.

`~/.cache/bundler/opened/<digest of the environment's path>`, the newest few of them. The next pack takes them for a guess: its
audit finds out whether they are still opened, and what else is.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from bundler.machine import os
from bundler.memory.store import cache_file, replace_cached

_KEPT = 32


@dataclass(frozen=True, slots=True)
class DlopenedCache:
    """The libraries that the last pack knew."""

    path: str
    """The file that holds them; "" for none."""
    known: Mapping[str, str]
    """Their sonames, by path."""

    def learn(self, dlopened: Mapping[str, str]) -> None:
        """Note what was opened. Does nothing where there can be no cache."""
        if self.path and dlopened != self.known:
            with contextlib.suppress(OSError):
                replace_cached(*os.path.split(self.path), json.dumps(dict(dlopened)).encode(), kept=_KEPT)


NO_DLOPENED_CACHE = DlopenedCache("", {})


def open_dlopened_cache(environment: str) -> DlopenedCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged."""
    path = cache_file("opened", environment)
    if path is None:
        return NO_DLOPENED_CACHE
    try:
        with open(path, "rb") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict) or not all(isinstance(name, str) for name in known.values()):
        known = {}
    return DlopenedCache(path, known)
