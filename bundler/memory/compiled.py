"""Compiled modules of earlier packs, by what they were compiled from: the second pack of an environment compiles nothing.

`~/.cache/bundler/pyc/<interpreter>/<source key>-<content digest>.pyc`. Any of it may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bundler.machine import os
from bundler.machine.temporary_folder import TemporaryFolder
from bundler.memory.store import cache_folder

_FAILED = "-failed"
_DIGEST = 32  # hexadecimal digits, of keys and of contents
_FORM = b"2"  # another one where the same source gives another pyc (plan/compile_script.py)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pyc in the cache: its path and size in bytes; None for a source that does not compile."""

    path: str | None
    size: int = 0


class PycCache:
    """The pycs that one interpreter made, in a folder of their own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._names: dict[str, str] = {}
        for name in os.listdir(folder):
            self._names[name[:_DIGEST]] = name

    @staticmethod
    def key(source: bytes, name: str) -> str:
        """The key of a source that is compiled under a name (a pyc holds it)."""
        return hashlib.sha256(_FORM + hashlib.sha256(source).digest() + os.fsencode(name)).hexdigest()[:_DIGEST]

    def find(self, key: str) -> Compiled | None:
        """The pyc for a key; None where there is none, or it is damaged."""
        name = self._names.get(key)
        if name is None:
            return None
        if name.endswith(_FAILED):
            return Compiled(None)
        path = os.path.join(self.folder, name)
        try:
            with open(path, "rb", buffering=0) as file:
                data = file.readall()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest()[:_DIGEST] != name[_DIGEST + 1 : 2 * _DIGEST + 1]:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return None
        return Compiled(path, len(data))

    def put(self, key: str, new: str | None) -> Compiled:
        """Take the file `new` in under a key; None notes a source that does not compile."""
        if new is None:
            name = key + _FAILED
            with open(os.path.join(self.folder, name), "wb"):
                pass
            compiled = Compiled(None)
        else:
            with open(new, "rb") as file:
                data = file.read()
            name = f"{key}-{hashlib.sha256(data).hexdigest()[:_DIGEST]}.pyc"
            compiled = Compiled(os.path.join(self.folder, name), len(data))
            os.rename(new, os.path.join(self.folder, name))
        self._names[key] = name
        return compiled


@contextmanager
def pyc_folders(*, cache: bool = True) -> Iterator[tuple[str, ...]]:
    """Where pycs may lie, the first choice first: the user's cache unless it shall not be used, and a temporary folder."""
    folder = cache_folder("pyc") if cache else None
    with TemporaryFolder("bundler-pyc-") as temporary:
        yield (folder, temporary) if folder is not None else (temporary,)
