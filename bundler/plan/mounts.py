"""Which places on this machine become which places in the bundle, as values.

A mount maps a folder or a file to a bundle path. Later mounts lie over earlier ones: the environment over its base.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bundler.bundle_paths import join, lies_in
from bundler.entries import Layer
from bundler.machine import os


@dataclass(frozen=True, slots=True)
class Mount:
    """`source` (absolute) appears as `path` (bundle path, "" for the root); what is below it comes along.

    `origin` is the origin of `source` itself. `skip` holds paths relative to `source` that stay out.
    """

    source: str
    path: str
    origin: str
    layer: Layer
    skip: frozenset[str] = frozenset()


class MountTable:
    """Mounts, lowest first, with the way from a path on this machine to a bundle path."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        self.mounts = tuple(mounts)
        # Deeper sources first, so that the nearest mount answers; among equals the upper one.
        upper_first = tuple(reversed(self.mounts))
        order = sorted(upper_first, key=lambda mount: -len(mount.source))
        self._exact: dict[str, str] = {}
        self._below: list[tuple[str, Mount]] = []
        for mount in order:
            for source in dict.fromkeys((mount.source, os.path.realpath(mount.source))):
                self._exact.setdefault(source, mount.path)
                self._below.append((os.path.join(source, ""), mount))
        self._folders: dict[str, _Folder | None] = {}

    def is_source(self, path: str) -> bool:
        """Whether a mount begins at a path on this machine."""
        return path in self._exact

    def bundle_path(self, path: str) -> str | None:
        """The bundle path that an absolute path on this machine becomes; None outside of every mount.

        Only the names are compared, once as they are and once with the mounts' own links followed; whether the path
        is taken is another question.
        """
        if path in self._exact:
            return self._exact[path]
        parent, _, name = path.rpartition("/")
        if parent not in self._folders:
            self._folders[parent] = self._folder(parent)
        folder = self._folders[parent]
        if folder is None or (folder.mount.skip and join(folder.below, name) in folder.mount.skip):
            return None
        return f"{folder.path}/{name}" if folder.path and name else folder.path or name

    def _folder(self, path: str) -> _Folder | None:
        """The mount that a folder on this machine lies in, and where it leads."""
        folder = path + "/"
        for source, mount in self._below:
            if folder.startswith(source):
                below = path[len(source) :]
                if not _skipped(below, mount.skip):
                    return _Folder(mount, below, join(mount.path, below))
        return None


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder below a mount: its path from the mount's source, and its bundle path."""

    mount: Mount
    below: str
    path: str


def _skipped(below: str, skip: Iterable[str]) -> bool:
    return any(lies_in(below, name) for name in skip)
