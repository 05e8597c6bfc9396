"""What earlier packs of an environment learned, which this one uses and adds to: digests of files, patches of ELF files,
and libraries that are opened at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bundler.entries import Digests, Entry, Stamp
from bundler.memory.digests import NO_DIGEST_CACHE, DigestCache, open_digest_cache
from bundler.memory.dlopened import NO_OPENED_CACHE, OpenedCache, open_opened_cache
from bundler.memory.patches import NO_PATCH_CACHE, PatchCache, open_patch_cache


@dataclass(frozen=True, slots=True)
class Memory:
    """The caches of one environment."""

    digests: DigestCache = NO_DIGEST_CACHE
    patches: PatchCache = NO_PATCH_CACHE
    opened: OpenedCache = NO_OPENED_CACHE

    def learn(self, entries: Iterable[Entry], digests: Digests, stamps: Mapping[str, Stamp]) -> None:
        """Note what a pack has written, for the next; see `DigestCache.learn`. (What is opened at run time is known later.)"""
        self.digests.learn(entries, digests, stamps)
        self.patches.learn()


NO_MEMORY = Memory()


def open_memory(environment: str) -> Memory:
    """What is known of the environment at a path."""
    return Memory(open_digest_cache(environment), open_patch_cache(environment), open_opened_cache(environment))
