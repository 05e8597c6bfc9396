"""A tree to the byte and the nanosecond, to show that it did not change."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple


class Facts(NamedTuple):
    """All that is known of one path; times are in nanoseconds, `content` is a digest or a link's target."""

    mode: int
    uid: int
    gid: int
    modified: int
    changed: int
    links: int
    inode: int
    size: int
    attributes: tuple[tuple[str, bytes], ...]
    content: str


Snapshot = dict[str, Facts]


def snapshot(*trees: str | Path) -> Snapshot:
    """Mode, owner, times, link count, extended attributes and content of every path at and below `trees`."""
    found: Snapshot = {}
    for tree in trees:
        found[str(tree)] = _facts(str(tree))
        for folder, folders, files in os.walk(tree):
            for name in (*folders, *files):
                path = os.path.join(folder, name)
                found[path] = _facts(path)
    return found


def _facts(path: str) -> Facts:
    facts = os.lstat(path)
    attributes = tuple((key, os.getxattr(path, key, follow_symlinks=False)) for key in _names(path))
    return Facts(
        facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_nlink, facts.st_ino,
        facts.st_size, attributes, _content(path, facts.st_mode),
    )  # fmt: skip


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []


def _content(path: str, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    return ""
