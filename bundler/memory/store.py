"""The user's caches below `~/.cache/bundler` (Windows: `%LOCALAPPDATA%\\\\bundler`). Any of them may be deleted at any time.

A sealed file has a header, which tells its kind and version, a body, and the SHA-256 of both.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import TypeVar

from bundler.files import TEMPORARY, replace
from bundler.machine import os
from bundler.machine.temporary_folder import clear_abandoned
from bundler.machine.variables import cache_home

Value = TypeVar("Value")
_SEAL = 32  # bytes
_INODE = 16  # a file's stamp begins with device and inode: see `entries.stamp_of`


def cache_folder(name: str) -> str | None:
    """The folder of one cache, made where it was not there; None where it cannot be made, or is not the user's own."""
    folder = os.path.join(cache_home(), "bundler", name)
    try:
        if not os.path.isabs(folder):
            return None
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # Nobody else may have a hand in what gets into a bundle.
        own = os.stat(folder).st_uid == os.geteuid()
    except OSError:
        return None
    return folder if own and os.access(folder, os.W_OK | os.X_OK) else None


def cache_file(name: str, environment: str) -> str | None:
    """The path of what one cache has on the environment at a path; None where there can be no cache."""
    folder = cache_folder(name)
    if folder is None:
        return None
    return os.path.join(folder, hashlib.sha256(os.fsencode(os.path.realpath(environment))).hexdigest()[:32])


def replace_cached(folder: str, name: str, data: bytes, *, kept: int) -> None:
    """Write one file of a cache anew, in one step, and remove all but the `kept` newest. Raises OSError."""
    clear_abandoned(folder, TEMPORARY)
    replace(os.path.join(folder, name), data)
    for item in sorted(os.scandir(folder), key=lambda item: item.stat().st_mtime, reverse=True)[kept:]:
        os.unlink(item.path)


def read_sealed(path: str, header: bytes) -> memoryview:
    """The body of a sealed file. Raises OSError, and ValueError for a damaged file, or one with another header."""
    with open(path, "rb") as file:
        data = file.read()
    sealed = memoryview(data)[:-_SEAL]
    if not data.startswith(header) or hashlib.sha256(sealed).digest() != data[-_SEAL:]:
        raise ValueError(f"{path} is no such cache")
    return sealed[len(header) :]


def write_sealed(path: str, header: bytes, body: bytes, *, kept: int) -> None:
    """Write a sealed file anew, and remove all but the `kept` newest beside it. Does nothing where it cannot."""
    data = header + body
    with contextlib.suppress(OSError):
        replace_cached(*os.path.split(path), data + hashlib.sha256(data).digest(), kept=kept)


def mark_used(path: str) -> None:
    """Let a file of a cache count as new."""
    with contextlib.suppress(OSError):
        os.utime(path)


def with_spare(known: Mapping[bytes, Value], used: Mapping[bytes, Value]) -> dict[bytes, Value]:
    """What is kept for the next pack, by keys that begin with a file's stamp: what this pack used, and what the next may ask for.

    An entry that was not used is dropped if its file was used under another stamp: the file has changed since. All unused
    entries are dropped if they outnumber the used ones.
    """
    inodes = {key[:_INODE] for key in used}
    spare = {key: value for key, value in known.items() if key[:_INODE] not in inodes}
    return {**spare, **used} if len(spare) <= len(used) else dict(used)
