"""Whether what is to be written has room on its disk: told before it is begun where that can be known, else when it is full."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Final

from bundler.errors import NoRoom
from bundler.machine import os
from bundler.machine.disks import room_of, takes_what_is_written

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""How the kernel says that there is no room."""
_HINT = "make room there, or choose another --out"
_SHARE_OF_BLOCK = 4
"""Of a block: smaller files may lie beside what tells of them (ext4's inline_data)."""


def check_room(folder: str, sizes: Iterable[int]) -> None:
    """Raise NoRoom where files of these sizes (bytes) cannot have room in a folder. Of a disk that compresses nobody knows."""
    room = room_of(folder)
    if room is None:
        return
    needed = files = 0
    for size in sizes:
        files += 1
        needed += -(-size // room.block) * room.block if size > room.block // _SHARE_OF_BLOCK else size
    if room.files is not None and files > room.files:
        raise NoRoom(
            f"{folder} has too little space: {files} files are needed, and there can be {room.files} more",
            _HINT,
            needed,
            room.size,
        )
    if needed > room.size and takes_what_is_written(folder):
        raise NoRoom(
            f"{folder} has too little space: {shown(needed)} are needed, and {shown(room.size, is_free=True)} are free",
            _HINT,
            needed,
            room.size,
        )


def no_room(error: OSError, folder: str, needed: int, why: str = "") -> NoRoom:
    """What to raise for a disk that was found full: `needed` are all bytes that take room there, about, 0 where nobody knows.

    `why` tells more of them.
    """
    room = room_of(folder)
    told = [f"{shown(needed)} are needed{why}"] if needed else []
    told += [f"{shown(room.size, is_free=True)} are free"] if room is not None else []
    reason = os.strerror(error.errno or errno.ENOSPC)
    return NoRoom(
        f"{folder}: {reason}{': ' if told else ''}{', and '.join(told)}",
        _HINT,
        needed,
        room.size if room is not None else 0,
    )


def shown(size: int, *, is_free: bool = False) -> str:
    """A number of bytes, for a person: what is needed is never shown as less, nor what is free as more."""
    unit, name = (1 << 20, "MiB") if size >= 1 << 20 else (1 << 10, "KiB")
    return f"{size // unit if is_free else -(-size // unit)} {name}"
