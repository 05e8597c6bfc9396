"""Who may do what with a file of a bundle: the one rule, for what a pack writes and for what the audit accepts.

A bundle's code runs with the rights of whoever starts it. So nobody may change it but its owner and, where the source says so, its
group; and no file of it gives rights that its user does not have (set-id bits, file capabilities).
"""

from __future__ import annotations

import stat

from bundler.machine import os

SET_ID = stat.S_ISUID | stat.S_ISGID
_KEPT = 0o777 & ~stat.S_IWOTH


def kept(mode: int) -> int:
    """The permission bits that a bundle's file or folder has, where its source has `mode`."""
    return mode & _KEPT


def is_open_to_all(mode: int) -> bool:
    """Whether anybody may write to a file, or put files into a folder: that none of them can be taken away (`1777`) is no help."""
    return bool(mode & stat.S_IWOTH)


def has_set_id(mode: int) -> bool:
    """Whether who runs a file gets the rights of its owner or group. On a folder these bits say something else."""
    return bool(mode & SET_ID)


def has_capabilities(path: str) -> bool:
    """Whether the file at a path on this machine, links followed, has file capabilities; not where a system knows none."""
    try:
        return bool(os.getxattr(path, "security.capability"))
    except (OSError, AttributeError):
        return False
