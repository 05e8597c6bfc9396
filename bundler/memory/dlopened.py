"""Libraries of this machine that an environment's modules opened at run time when it was last packed and tried.

`~/.cache/bundler/opened/<digest of the environment's path>`, the newest few of them. Only a guess to begin with: the audit of each
pack finds out whether they are still opened, and what else is.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from bundler.memory.store import cache_file, replace_cached

_KEPT = 32


@dataclass(frozen=True, slots=True)
class OpenedCache:
    """Their sonames by path, and the file that holds them ("" for none)."""

    path: str
    known: Mapping[str, str]

    def learn(self, opened: Mapping[str, str]) -> None:
        """Note what was opened. Does nothing where there can be no cache."""
        if self.path and opened != self.known:
            with contextlib.suppress(OSError):
                replace_cached(*os.path.split(self.path), json.dumps(dict(opened)).encode(), kept=_KEPT)


NO_OPENED_CACHE = OpenedCache("", {})


def open_opened_cache(environment: str) -> OpenedCache:
    """The cache for the environment at a path; an empty one where there is none, or it is damaged."""
    path = cache_file("opened", environment)
    if path is None:
        return NO_OPENED_CACHE
    try:
        with open(path, "rb") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict) or not all(isinstance(name, str) for name in known.values()):
        known = {}
    return OpenedCache(path, known)
