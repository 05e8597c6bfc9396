"""A file looked through by the tests."""

from __future__ import annotations

from bundler.leaks.findings import Credential, Trace
from bundler.leaks.kind_of_file import kind_of_file
from bundler.leaks.places import Name, Place
from bundler.leaks.scanner import Scanner, Search
from bundler.leaks.stores import store_of


def scanned(
    data: bytes,
    path: str = "module.py",
    *,
    places: tuple[Place, ...] = (),
    names: tuple[Name, ...] = (),
    size: int = 1 << 20,
    credentials: bool = True,
) -> tuple[Trace, list[Credential]]:
    """What is found in a file of this name, read in pieces of a size."""
    scanner = Scanner(Search(places, names, credentials), kind_of_file(path, data), store_of(path))
    for start in range(0, len(data), size):
        scanner.look(data[start : start + size])
    scanner.end()
    return scanner.traces, scanner.credentials


def kinds(data: bytes, path: str = "module.py", *, size: int = 1 << 20) -> list[str]:
    """The kinds of credentials in a file, in their order."""
    return [credential.kind for credential in scanned(data, path, size=size)[1]]
