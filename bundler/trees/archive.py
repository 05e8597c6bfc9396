"""A bundle in an archive, read once from its beginning to its end, whatever the format."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from typing import IO, BinaryIO, cast

from bundler.bundle_paths import lies_in
from bundler.errors import BundlerError, DamagedBundle
from bundler.trees.tree import MANIFEST, Member, Members, Recall, Result, recall_nothing

_CHUNK = 1 << 20


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
            with closing(self._members(self._path)) as items:
                for member, file in items:
                    if file is None:
                        yield member, None
                        continue
                    # Closed before the next one: what a signal raises while a forgotten file closes itself is lost.
                    with _MemberFile(self._path, file) as opened:
                        yield member, cast(BinaryIO, opened)
                        opened.read_rest()
        except BundlerError:
            raise
        except Exception as error:
            raise _damaged(self._path, error) from error


class _MemberFile(io.RawIOBase):
    """The bytes of a member, for who looks at it."""

    def __init__(self, archive: str, file: IO[bytes]) -> None:
        self._archive = archive
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that are left for -1. Raises DamagedBundle where the archive is damaged."""
        try:
            return self._file.read(size)
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
