"""The prefix that is compiled into the files that hold Python: in a bundle it leads nowhere.

Where Python does not know its own place (a program that embeds it), or does not find its parts there, it takes that prefix for
its own, without a word (getpath, all versions): the builder's Python, where that is still there, or one of the target's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bundler.binaries.elf.constant_strings import constant_places
from bundler.entries import Entry
from bundler.files import opened
from bundler.machine import os
from bundler.plan.binaries.linux.companions import nobodys, nowhere
from bundler.plan.binaries.linux.patching import source_path
from bundler.systems.linux.elf_files import ElfFile

_LIBPYTHON = "libpython"


def closed_prefixes(
    files: Iterable[ElfFile], executable: str, entries: Mapping[str, Entry], prefix: str
) -> dict[str, dict[str, str]]:
    """What takes the place of `prefix` in the executable and each libpython of `files`: new constants by old ones, by bundle path.

    Nothing for the root directory, and where it stands in no constant.
    """
    closed = nowhere(prefix) or nobodys(prefix)
    if closed is None:
        return {}
    found = {}
    for elf in files:
        if elf.path == executable or (elf.image.soname or "").startswith(_LIBPYTHON):
            with opened(source_path(entries[elf.path])) as file:
                if any(constant_places(file, elf.image, os.fsencode(prefix))):
                    found[elf.path] = {prefix: closed}
    return found
