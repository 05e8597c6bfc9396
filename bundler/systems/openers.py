"""Plugins of libraries that came along from the host: files that a library opens in a folder whose path is compiled into it."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Iterator

from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.systems.libraries import BundledLibrary, InBundle, LibraryFacts


def openers(plugin: str, facts: LibraryFacts) -> Iterator[BundledLibrary]:
    """The libraries that hold the path of a plugin, or of its folder, as a constant; none for what is no absolute path.

    Folders with libraries that headers name are constants of many, and say nothing. A plugin that has a name of its own may have
    been taken along in vain: nobody's header asks for it.
    """
    if not os.path.isabs(plugin):
        return
    texts = [plugin]
    folder = os.path.dirname(plugin)
    places = (where for needs in facts.needs.values() for where in needs.values())
    needed = {where.path for where in places if isinstance(where, InBundle)}
    named = (library for library in facts.bundled if not needed.isdisjoint((library.path, *library.aliases)))
    if folder not in {os.path.dirname(library.source) for library in named}:
        texts += [folder, f"{folder}/"]
    constants = [b"\0" + os.fsencode(text) + b"\0" for text in texts]
    for library in facts.bundled:
        if _holds(library.source, constants):
            yield library


def _holds(path: str, constants: Iterable[bytes]) -> bool:
    try:
        with opened(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return any(data.find(constant) >= 0 for constant in constants)
    except (OSError, ValueError) as error:  # it went away, or is empty
        unless_failing(error, path)
        return False
