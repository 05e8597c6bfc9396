"""Which archives this user's packs wrote: the next pack takes frames over from those without looking into them.

`~/.cache/bundler/archives/<digest of an index>`, the newest few of them, with what is told of the stream, if anything. The index of
an archive has the digest of every frame, so that who knows the index knows all. Frames of another archive are compared with what
would take their places.
"""

from __future__ import annotations

import contextlib
import hashlib

from bundler.machine import os
from bundler.memory.store import cache_folder, replace_cached

_KEPT = 256


def is_known(index: bytes) -> bool:
    """Whether a pack of this user wrote an archive with this index."""
    folder = cache_folder("archives")
    return folder is not None and os.path.isfile(os.path.join(folder, _name(index)))


def told_of(index: bytes) -> bytes:
    """What was told of the stream with an index; nothing where no pack of this user wrote one, or told anything."""
    folder = cache_folder("archives")
    try:
        if folder is None:
            return b""
        with open(os.path.join(folder, _name(index)), "rb") as file:
            return file.read()
    except OSError:
        return b""


def note_archive(index: bytes, told: bytes = b"") -> None:
    """Note what a pack has written, and what is `told` of it. Does nothing where there can be no cache."""
    folder = cache_folder("archives")
    if folder is not None:
        with contextlib.suppress(OSError):
            replace_cached(folder, _name(index), told, kept=_KEPT)


def _name(index: bytes) -> str:
    return hashlib.sha256(index).hexdigest()
