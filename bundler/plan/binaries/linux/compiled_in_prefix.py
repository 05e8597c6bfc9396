"""The prefix that is compiled into the file that holds Python: in a bundle it leads nowhere.

Where Python does not know its own place (a program that embeds it, a name without a slash) it takes that prefix for its own,
without a word (getpath, all versions): the builder's Python, where that is still there.
"""

from __future__ import annotations

from bundler.binaries.elf.constant_strings import constant_places
from bundler.files import opened
from bundler.machine import os
from bundler.plan.binaries.linux.companions import nowhere
from bundler.prefixes import is_system_prefix
from bundler.systems.linux.elf_files import ElfFile


def closed_prefix(holder: ElfFile, place: str, prefix: str) -> dict[str, dict[str, str]]:
    """What takes the place of `prefix` in the file `holder`, which lies at `place` here: new constants by old ones, by bundle path.

    Nothing for a system's prefix, which is the target's own, for one that is too short, and where it stands in no constant.
    """
    closed = None if is_system_prefix(prefix) else nowhere(prefix)
    if closed is None:
        return {}
    with opened(place) as file:
        is_there = any(constant_places(file, holder.image, os.fsencode(prefix)))
    return {holder.path: {prefix: closed}} if is_there else {}
