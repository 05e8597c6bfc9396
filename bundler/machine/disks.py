"""How much room the disk of a folder has."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from bundler.machine import HAS_DRIVES, os

_AS_WRITTEN = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "vfat", "exfat"})


class Room(NamedTuple):
    """What is free for this user."""

    size: int
    """In bytes."""
    files: int | None
    """How many more files there can be; None where nobody counts them."""
    block: int
    """In bytes: files take whole ones."""


def room_of(folder: str) -> Room | None:
    """The room on the disk of a folder; None where it does not tell, or has no limit."""
    try:
        if HAS_DRIVES:
            return Room(shutil.disk_usage(folder).free, None, 1)
        facts = os.statvfs(folder)
    except OSError:
        return None
    if not facts.f_blocks:  # a tmpfs without a limit
        return None
    is_root = os.geteuid() == 0
    files = facts.f_ffree if is_root else facts.f_favail
    return Room(
        (facts.f_bfree if is_root else facts.f_bavail) * facts.f_frsize,
        files if facts.f_files else None,
        facts.f_frsize,
    )


def takes_what_is_written(folder: str) -> bool:
    """Whether files take at least as much of a folder's disk as is written to them: whether it is known not to compress any."""
    try:
        device = os.stat(folder).st_dev
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        words, _, more = line.partition(" - ")
        if words.split()[2] == number:
            return more.split()[0] in _AS_WRITTEN
    return False
