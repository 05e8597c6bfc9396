"""Ways to look at a bundle: a directory as it is, an archive through a directory that lasts as long as the look."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from bundler.errors import NotABundle
from bundler.sinks.directory import remove_tree

_MANIFEST = "bundle.json"


@contextmanager
def as_directory(path: str) -> Iterator[str]:
    """The bundle at `path` as a directory: itself, or an archive's content below a temporary folder.

    An archive is extracted beside itself where that may be written, else in the system's temporary folder. A single
    folder on top is looked through. Raises NotABundle for what is neither.
    """
    if os.path.isdir(path):
        yield path
        return
    if not os.path.isfile(path):
        raise NotABundle(f"{path} does not exist" if not os.path.lexists(path) else f"{path} is no directory or file")
    folder = os.path.dirname(os.path.abspath(path))
    temporary = tempfile.mkdtemp(prefix=".bundler-look-", dir=folder if os.access(folder, os.W_OK) else None)
    try:
        _extract(path, temporary)
        yield _below_top(temporary)
    finally:
        remove_tree(temporary)


def _extract(path: str, folder: str) -> None:
    """Unpack a tar archive, refusing members that would leave the folder."""
    try:
        with tarfile.open(path) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder, filter=_plain)
            else:
                archive.extractall(folder, members=[member for member in archive if _harmless(member)])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise NotABundle(
            f"{path} cannot be read as an archive: {error}", "bundles are directories or tar archives"
        ) from error


def _plain(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """What Python's `data` filter lets through, with the mode as it is in the archive."""
    tarfile.data_filter(member, folder)
    return member.replace(uid=os.getuid(), gid=os.getgid(), uname="", gname="", deep=False)


def _harmless(member: tarfile.TarInfo) -> bool:
    """The same for Pythons without filters: no absolute names, no way up, nothing but files, folders and links."""
    names = [member.name] + ([os.path.join(os.path.dirname(member.name), member.linkname)] if member.issym() else [])
    inside = all(not name.startswith("/") and not os.path.normpath(name).startswith("..") for name in names)
    return inside and (member.isfile() or member.isdir() or member.issym())


def _below_top(folder: str) -> str:
    names = os.listdir(folder)
    if _MANIFEST not in names and len(names) == 1 and os.path.isdir(os.path.join(folder, names[0])):
        return os.path.join(folder, names[0])
    return folder
