"""A bundle in an archive, read once from its beginning to its end, whatever the format."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from typing import IO, BinaryIO, cast

from bundler.bundle_paths import lies_in
from bundler.errors import BundlerError, DamagedBundle
from bundler.machine import os
from bundler.trees.names import Names
from bundler.trees.tree import MANIFEST, Member, Members, Recall, Result, recall_nothing

_CHUNK = 1 << 20
_PLAIN_BYTES = 4 << 30
"""Bytes of files that every archive may hold, and `_TIMES` its own size."""
_TIMES = 256
_MEMBERS = 20_000
"""Members that every archive may have, and one more for each `_BYTES_OF_MEMBER` bytes of it."""
_BYTES_OF_MEMBER = 8


class ArchiveTree:
    """See `trees.tree.Tree`. `members` reads the file at `path`; a folder that holds all is looked through."""

    random_access = False

    def __init__(self, path: str, members: Members) -> None:
        self._path = path
        self._members = members

    def scan(
        self, look: Callable[[Member, BinaryIO | None], Result], recall: Recall[Result] = recall_nothing
    ) -> list[tuple[Member, Result]]:
        """See `trees.tree.Tree`. Sizes are not known beforehand."""
        with closing(self._read()) as items:
            return _below_top([(member, look(member, file)) for member, file in items])

    def _read(self) -> Generator[tuple[Member, BinaryIO | None], None, None]:
        """The archive's items. Whatever goes wrong while they are found or read is the archive's fault; `look` is not run here."""
        try:
            measure = _Measure(os.stat(self._path).st_size)
            with closing(self._members(self._path)) as items:
                for member, file in items:
                    measure.count_member(member)
                    if file is None:
                        yield member, None
                        continue
                    # Closed before the next one: what a signal raises while a forgotten file closes itself is lost.
                    with _MemberFile(self._path, file, measure) as opened:
                        yield member, cast(BinaryIO, opened)
                        opened.read_rest()
        except BundlerError:
            raise
        except Exception as error:
            raise _damaged(self._path, error) from error


class _Measure:
    """How much an archive of `size` bytes may hold. It takes time and memory to read, and far less to make."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._names = Names()
        self._bytes_left = _PLAIN_BYTES + _TIMES * size
        self._most_members = _MEMBERS + size // _BYTES_OF_MEMBER

    def count_member(self, member: Member) -> None:
        """Raise ValueError for one too many, or one that cannot stand there."""
        self._names.add(member)
        if len(self._names) > self._most_members:
            raise ValueError(f"it has {self._size} bytes, and more than {self._most_members} files and folders")

    def count(self, data: bytes) -> bytes:
        """Count bytes of a file, and give them back. Raises ValueError where there are too many."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            most = _PLAIN_BYTES + _TIMES * self._size
            raise ValueError(f"it has {self._size} bytes, and its files have more than {most} together")
        return data


class _MemberFile(io.RawIOBase):
    """The bytes of a member, for who looks at it."""

    def __init__(self, archive: str, file: IO[bytes], measure: _Measure) -> None:
        self._archive = archive
        self._file = file
        self._measure = measure

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that are left for -1. Raises DamagedBundle where the archive is damaged."""
        try:
            return self._measure.count(self._file.read(size))
        except Exception as error:
            raise _damaged(self._archive, error) from error

    def read_rest(self) -> None:
        """Read what nobody asked for: some formats have a checksum behind it."""
        while self.read(_CHUNK):
            pass

    def close(self) -> None:
        """Close the member, too."""
        self._file.close()
        super().close()


def _damaged(path: str, error: Exception) -> DamagedBundle:
    return DamagedBundle(f"{path} is damaged: {error or type(error).__name__}", "copy it again from where it was made")


def _below_top(found: list[tuple[Member, Result]]) -> list[tuple[Member, Result]]:
    """The members relative to the folder with `bundle.json`, where that folder holds all."""
    paths = {member.path for member, _ in found}
    manifests = [path for path in paths if path.endswith(f"/{MANIFEST}")]
    if MANIFEST in paths or not manifests:
        return found
    top = min(manifests, key=len).rpartition("/")[0]
    if not all(lies_in(path, top) or lies_in(top, path) for path in paths):
        return found
    return [
        (replace(member, path=member.path[len(top) + 1 :]), result)
        for member, result in found
        if lies_in(member.path, top) and member.path != top
    ]
