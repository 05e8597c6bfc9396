"""What earlier packs of an environment learned, which this one uses and adds to.

Digests of files, patches of ELF files, paths that are compiled into libraries, libraries that modules open at run time, and what
the audit read in files and saw when it imported modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bundler.entries import Digests, Entry, Stamp
from bundler.memory.constants import NO_CONSTANTS_CACHE, ConstantsCache, open_constants_cache
from bundler.memory.digests import NO_DIGEST_CACHE, DigestCache, open_digest_cache
from bundler.memory.dlopened import NO_DLOPENED_CACHE, DlopenedCache, open_dlopened_cache
from bundler.memory.imports import NO_IMPORTS_CACHE, ImportsCache, open_imports_cache
from bundler.memory.patches import NO_PATCH_CACHE, PatchCache, open_patch_cache
from bundler.memory.readings import NO_READINGS_CACHE, ReadingsCache, open_readings_cache


@dataclass(frozen=True, slots=True)
class Memory:
    """The caches of one environment."""

    digests: DigestCache = NO_DIGEST_CACHE
    patches: PatchCache = NO_PATCH_CACHE
    dlopened: DlopenedCache = NO_DLOPENED_CACHE
    imports: ImportsCache = NO_IMPORTS_CACHE
    readings: ReadingsCache = NO_READINGS_CACHE
    constants: ConstantsCache = NO_CONSTANTS_CACHE

    def learn(self, entries: Iterable[Entry], digests: Digests, stamps: Mapping[str, Stamp]) -> None:
        """Note what a pack has written, for the next; see `DigestCache.learn`. What it opens at run time the audit tells later."""
        self.digests.learn(entries, digests, stamps)
        self.patches.learn()
        self.constants.learn()


NO_MEMORY = Memory()


def open_memory(environment: str) -> Memory:
    """What is known of the environment at a path."""
    return Memory(
        open_digest_cache(environment),
        open_patch_cache(environment),
        open_dlopened_cache(environment),
        open_imports_cache(environment),
        open_readings_cache(environment),
        open_constants_cache(environment),
    )
