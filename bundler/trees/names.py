"""Names in an archive, which anybody may have written."""

from __future__ import annotations

import posixpath
import re

from bundler.machine import HAS_DRIVES
from bundler.trees.tree import Kind, Member

_NO_NAMES = re.compile(r"[\\:]")  # on Windows they divide a path, and name a drive or a stream


def member_of(name: str, kind: Kind, mode: int, target: str = "", owner: int | None = None) -> Member | None:
    """A member with a clean path; None for the root. ValueError for a name that leads out, or that no file can have."""
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"the name {name} leads out of the archive")
    if "\0" in name or "\0" in target:
        raise ValueError(f"the name {name!r} or its target has a NUL in it")
    if HAS_DRIVES and (bad := _NO_NAMES.search(name)):
        raise ValueError(f"the name {name} has {bad[0]!r} in it, which no file of this system can have")
    path = posixpath.normpath(name)
    return None if path == "." else Member(path, kind, mode, target, owner)
