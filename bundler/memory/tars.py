"""Where members lie in the plain tars that this user's packs wrote: the next pack has them copied from there.

`~/.cache/bundler/tars/<digest of a stamp>`, the newest few of them. A tar has no checksums of its members; its stamp, in which is
the time of the last change, tells that it is still what a pack wrote.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bundler.entries import Stamp, stamp_of
from bundler.machine import os
from bundler.memory.store import cache_folder, mark_used, read_sealed, write_sealed
from bundler.version import VERSION

KEY_SIZE = 16
_KEPT = 8
_RULES = 1  # a number for how members are written, and told apart
_HEADER = f"bundler {VERSION} tar members {_RULES}\n".encode()
_ROW = struct.Struct(f"<{KEY_SIZE}sQQ")


class PlacedMember(NamedTuple):
    """A member with its header and padding: what tells its bytes from others', its offset in the file, and its size."""

    key: bytes
    start: int
    size: int


def members_of_tar(stamp: Stamp) -> Iterator[PlacedMember]:
    """The members of the tar with a stamp. Raises ValueError for one that no pack of this user left as it is."""
    folder = cache_folder("tars")
    try:
        if folder is None or not stamp:
            raise OSError
        path = os.path.join(folder, _name(stamp))
        body = read_sealed(path, _HEADER)
    except (OSError, ValueError):
        raise ValueError("it is not as a pack of this user left it") from None
    mark_used(path)
    return (PlacedMember(*row) for row in _ROW.iter_unpack(body))


def note_tar(path: str, members: Iterable[PlacedMember]) -> None:
    """Note what lies in the tar that a pack has put at `path`. Does nothing where there can be no cache."""
    folder = cache_folder("tars")
    if folder is None:
        return
    try:
        stamp = stamp_of(os.stat(path))
    except OSError:
        return
    body = b"".join(_ROW.pack(*member) for member in members)
    write_sealed(os.path.join(folder, _name(stamp)), _HEADER, body, kept=_KEPT)


def _name(stamp: Stamp) -> str:
    return hashlib.sha256(stamp).hexdigest()[:32]
