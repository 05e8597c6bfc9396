"""A bundle in a directory, looked at by several threads."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from bundler.files import named
from bundler.machine import HAS_DRIVES, os
from bundler.trees.threads import in_threads
from bundler.trees.tree import Kind, Member, Recall, Result, recall_nothing


class _Listed(NamedTuple):
    """A member, and for a file its size in bytes."""

    member: Member
    size: int = 0


class DirectoryTree:
    """See `trees.tree.Tree`. Links to files in the way of a path are not followed, pipes not opened."""

    random_access = True

    def __init__(self, path: str) -> None:
        self._root = os.path.realpath(path)

    def scan(
        self, look: Callable[[Member, BinaryIO | None], Result], recall: Recall[Result] = recall_nothing
    ) -> list[tuple[Member, Result]]:
        """See `trees.tree.Tree`."""

        def visit(listed: _Listed) -> Result:
            member = listed.member
            if member.kind is not Kind.FILE:
                return look(member, None)
            known = recall(member, listed.size)
            if known is not None:
                return known
            path = os.path.join(self._root, member.path)
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                with open(descriptor, "rb", buffering=0) as file:
                    return look(member, file)
            except OSError as error:
                raise named(error, path) from None

        return [(listed.member, result) for listed, result in in_threads(self._walk(""), visit)]

    def _walk(self, below: str) -> Iterator[_Listed]:
        with os.scandir(os.path.join(self._root, below)) as items:
            for item in items:
                path = f"{below}/{item.name}" if below else item.name
                if item.is_symlink():
                    yield _Listed(Member(path, Kind.LINK, 0o777, os.readlink(item.path)))
                    continue
                facts = item.stat(follow_symlinks=False)
                mode = 0o777 if HAS_DRIVES else stat.S_IMODE(facts.st_mode)  # nobody is kept out by a mode there
                if stat.S_ISDIR(facts.st_mode):
                    yield _Listed(Member(path, Kind.DIRECTORY, mode, owner=facts.st_uid))
                    yield from self._walk(path)
                else:
                    kind = Kind.FILE if stat.S_ISREG(facts.st_mode) else Kind.OTHER
                    yield _Listed(Member(path, kind, mode, owner=facts.st_uid), facts.st_size)
