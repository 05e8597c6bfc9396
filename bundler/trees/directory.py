"""A bundle in a directory, looked at by several threads."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO

from bundler.trees.threads import in_threads
from bundler.trees.tree import Kind, Member, Result


class DirectoryTree:
    """See `trees.tree.Tree`. Links to files in the way of a path are not followed, pipes not opened."""

    random_access = True

    def __init__(self, path: str) -> None:
        self._root = os.path.realpath(path)

    def scan(self, look: Callable[[Member, BinaryIO | None], Result]) -> list[tuple[Member, Result]]:
        """See `trees.tree.Tree`."""

        def visit(member: Member) -> Result:
            if member.kind is not Kind.FILE:
                return look(member, None)
            descriptor = os.open(os.path.join(self._root, member.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(descriptor, "rb", buffering=0) as file:
                return look(member, file)

        return in_threads(self._walk(""), visit)

    def _walk(self, below: str) -> Iterator[Member]:
        with os.scandir(os.path.join(self._root, below)) as items:
            for item in items:
                path = f"{below}/{item.name}" if below else item.name
                if item.is_symlink():
                    yield Member(path, Kind.LINK, 0o777, os.readlink(item.path))
                    continue
                mode = item.stat(follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode):
                    yield Member(path, Kind.DIRECTORY, stat.S_IMODE(mode))
                    yield from self._walk(path)
                else:
                    yield Member(path, Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER, stat.S_IMODE(mode))
