"""A bundle in an archive as a directory, for as long as it is looked at."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from bundler.errors import NotABundle
from bundler.machine import os
from bundler.permissions import kept
from bundler.sinks.temporary import remove_tree
from bundler.trees.opening import open_tree
from bundler.trees.tree import MANIFEST, Kind, Member, Tree

_NO_NAMES = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ENOENT)
"""What a file system says of names, and of links that lead to nothing by their text."""


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
            os.chmod(path, kept(member.mode))
        else:
            later.append(member)

    try:
        tree.scan(write)
        for member in later:
            if member.kind is Kind.LINK:
                os.symlink(member.target, os.path.join(folder, member.path))
        for member in reversed(later):
            if member.kind is Kind.DIRECTORY:
                os.chmod(os.path.join(folder, member.path), kept(member.mode) | 0o700)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise NotABundle(f"the archive has {os.path.relpath(error.filename, folder)} twice") from error
    except OSError as error:
        if error.errno not in _NO_NAMES:
            raise
        raise NotABundle(f"the archive has a name that no file can have here: {error.strerror}") from error


def _below_top(folder: str) -> str:
    """The folder with `bundle.json`, where that holds all."""
    place, names = folder, os.listdir(folder)
    while MANIFEST not in names and len(names) == 1 and _is_folder(os.path.join(place, names[0])):
        place = os.path.join(place, names[0])
        names = os.listdir(place)
    return place if MANIFEST in names else folder


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)
