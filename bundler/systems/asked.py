"""What a bundle needs of the machine that it runs on, beside its libc."""

from __future__ import annotations

from bundler.machine import os
from bundler.systems.libraries import LibraryFacts
from bundler.systems.system import System


def asked_of_target(libraries: LibraryFacts, system: System) -> dict[str, tuple[str, ...]]:
    """Bundle paths of those that ask for it, by the names of libraries that a target may lack, then by data in words.

    `System.asks_of_target` tells what has each.
    """
    found: dict[str, list[str]] = {}
    for path, name in libraries.left_to_host:
        if system.asks_of_target(name) is not None:
            found.setdefault(name, []).append(path)
    data: dict[str, list[str]] = {}
    for path in sorted({*libraries.needs, *(library.path for library in libraries.bundled)}):
        if (words := system.reads_of_target(os.path.basename(path))) is not None:
            data.setdefault(words, []).append(path)
    return {name: tuple(paths) for each in (found, data) for name, paths in sorted(each.items())}
