"""A bundle in a directory, looked at by several threads."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from bundler.trees.tree import Kind, Member, Result

_TOGETHER = 32  # members that a thread is given at once: to hand over one costs as much as to read a small file


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

        def visit_all(members: list[Member]) -> list[tuple[Member, Result]]:
            return [(member, visit(member)) for member in members]

        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="look") as pool:
            return list(itertools.chain.from_iterable(pool.map(visit_all, _batches(self._walk("")))))

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


def _batches(members: Iterator[Member]) -> Iterator[list[Member]]:
    while batch := list(itertools.islice(members, _TOGETHER)):
        yield batch
