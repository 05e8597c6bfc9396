"""Ways to look at a bundle: a directory, or an archive of any format, read once from its beginning to its end.

Nothing here follows a link, and nothing is written but where `extracted` is asked for.
"""

from __future__ import annotations

import enum
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from bundler.errors import NotABundle
from bundler.sinks.temporary import remove_tree

__all__ = ["Kind", "Member", "Tree", "extracted", "open_tree"]

MANIFEST = "bundle.json"
_T = TypeVar("_T")


class Kind(enum.Enum):
    """What a path of a tree is."""

    FILE = "file"
    LINK = "link"
    DIRECTORY = "directory"
    OTHER = "pipe, socket or device"


@dataclass(frozen=True, slots=True)
class Member:
    """One path of a tree, relative to its root. `mode` holds permission bits; `target` is that of a link."""

    path: str
    kind: Kind
    mode: int
    target: str = ""


class Tree(Protocol):
    """A bundle as it lies somewhere. With `random_access` its files can be read anywhere and twice."""

    random_access: bool

    def scan(self, look: Callable[[Member, BinaryIO | None], _T]) -> list[tuple[Member, _T]]:
        """Call `look` for every path but the root, with an open file for files, and give the paths with what it gave.

        A folder on top of an archive is not known before its end: `look` sees it in the paths, who reads the result does not.
        The file is good for one reading from its start (see `random_access`), and until `look` returns. Several calls may be
        under way at once. Raises NotABundle where the tree cannot be read to its end.
        """


def open_tree(path: str) -> Tree:
    """The tree at a path: a directory, or an archive told by its first bytes. Raises NotABundle for what is neither."""
    if os.path.isdir(path):
        from bundler.trees.directory import DirectoryTree

        return DirectoryTree(path)
    if not os.path.isfile(path):
        raise NotABundle(f"{path} does not exist" if not os.path.lexists(path) else f"{path} is no directory or file")
    from bundler.trees.archives import open_archive

    return open_archive(path)


@contextmanager
def extracted(path: str) -> Iterator[str]:
    """The bundle at `path` as a directory: itself, or an archive's content in a temporary folder.

    The folder lies beside the archive where that may be written to, else in the system's own. Raises NotABundle.
    """
    if os.path.isdir(path):
        yield path
        return
    tree = open_tree(path)
    beside = os.path.dirname(os.path.abspath(path))
    folder = tempfile.mkdtemp(prefix=".bundler-look-", dir=beside if os.access(beside, os.W_OK) else None)
    try:
        _extract(tree, folder)
        yield _below_top(folder)
    finally:
        remove_tree(folder)


def _extract(tree: Tree, folder: str) -> None:
    """Write a tree into a new folder. Links come last, so that nothing is written through one; set-id bits stay behind."""
    later: list[Member] = []

    def write(member: Member, file: BinaryIO | None) -> None:
        path = os.path.join(folder, member.path)
        os.makedirs(path if member.kind is Kind.DIRECTORY else os.path.dirname(path), exist_ok=True)
        if file is not None:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
                while chunk := file.read(1 << 20):
                    out.write(chunk)
            os.chmod(path, member.mode & 0o777)
        else:
            later.append(member)

    try:
        tree.scan(write)
        for member in later:
            if member.kind is Kind.LINK:
                os.symlink(member.target, os.path.join(folder, member.path))
        for member in reversed(later):
            if member.kind is Kind.DIRECTORY:
                os.chmod(os.path.join(folder, member.path), member.mode & 0o777 | 0o700)
    except FileExistsError as error:
        raise NotABundle(f"the archive has {os.path.relpath(error.filename, folder)} twice") from error


def _below_top(folder: str) -> str:
    names = os.listdir(folder)
    if MANIFEST not in names and len(names) == 1 and os.path.isdir(os.path.join(folder, names[0])):
        return os.path.join(folder, names[0])
    return folder
