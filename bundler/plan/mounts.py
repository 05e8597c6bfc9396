"""Which places on this machine become which places in the bundle, as values.

A mount maps a folder or a file to a bundle path. Later mounts lie over earlier ones: the environment over its base.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bundler.plan.entries import Layer


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
        self._by_depth = tuple((mount, os.path.realpath(mount.source)) for mount in order)
        self._exact: dict[str, str] = {}
        for mount, real in self._by_depth:
            self._exact.setdefault(mount.source, mount.path)
            self._exact.setdefault(real, mount.path)
        self._folders: dict[str, _Folder | None] = {}

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
        if folder is None or join(folder.below, name) in folder.mount.skip:
            return None
        return join(folder.path, name)

    def _folder(self, path: str) -> _Folder | None:
        """The mount that a folder on this machine lies in, and where it leads."""
        for mount, real in self._by_depth:
            for source in (mount.source.rstrip("/"), real.rstrip("/")):
                if path == source or path.startswith(source + "/"):
                    below = path[len(source) + 1 :]
                    if not _skipped(below, mount.skip):
                        return _Folder(mount, below, join(mount.path, below))
        return None


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder below a mount: its path from the mount's source, and its bundle path."""

    mount: Mount
    below: str
    path: str


def join(*parts: str) -> str:
    """Bundle paths put together; empty parts vanish."""
    return "/".join(part for part in parts if part)


def relative(target: str, folder: str) -> str:
    """The relative path from the bundle path `folder` to the bundle path `target` ("." for itself)."""
    return os.path.relpath("/" + target, "/" + folder)


def _skipped(below: str, skip: Iterable[str]) -> bool:
    return any(below == name or below.startswith(name + "/") for name in skip)
