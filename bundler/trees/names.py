"""Names in an archive, which anybody may have written. Programs that unpack it must agree on what they mean."""

from __future__ import annotations

import posixpath
import re

from bundler.bundle_paths import parents
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


class Names:
    """The names that an archive had so far: each stands below folders alone, for what lies below a link is written elsewhere.

    Whether one stands there twice is for the audit to say.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._folders: set[str] = set()
        """Those that something lies in."""

    def __len__(self) -> int:
        return len(self._kinds)

    def add(self, member: Member) -> None:
        """Note a member. Raises ValueError where it cannot stand there."""
        path, kind = member.path, member.kind
        self._kinds[path] = kind
        if kind is not Kind.DIRECTORY and path in self._folders:
            raise ValueError(f"something lies in {path}, which is no folder")
        for parent in parents(path):
            if parent in self._folders:
                break
            if self._kinds.get(parent, Kind.DIRECTORY) is not Kind.DIRECTORY:
                raise ValueError(f"{path} lies in {parent}, which is no folder")
            self._folders.add(parent)
