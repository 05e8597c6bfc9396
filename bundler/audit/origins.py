"""Which files of this machine became which files of a bundle: what a comparison with the source goes by."""

from __future__ import annotations

from collections.abc import Iterable

from bundler.entries import INODE_SIZE, Entry, Patched, Source, inode_of
from bundler.machine import os


class Origins:
    """The way from a file of the source to the bundle paths that it was taken to."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_path: dict[str, list[str]] = {}
        self._changed: set[str] = set()
        self._by_inode: dict[bytes, list[str]] = {}
        self._folders: dict[str, str] = {}
        for entry in entries:
            content = entry.content
            if isinstance(content, (Source, Patched)):
                self._by_path.setdefault(content.path, []).append(entry.path)
                if isinstance(content, Patched):
                    self._changed.add(entry.path)
                if content.stamp:
                    self._by_inode.setdefault(content.stamp[:INODE_SIZE], []).append(entry.path)
                self._folders.setdefault(os.path.dirname(content.path), entry.path.rpartition("/")[0])

    def bundle_paths(self, path: str) -> frozenset[str]:
        """The bundle paths of a file of this machine, by any of its names; none where it did not come along."""
        found = self._by_path.get(path) or self._by_path.get(os.path.realpath(path))
        if found is None:
            try:
                found = self._by_inode.get(inode_of(os.stat(path)), [])
            except OSError:
                found = []
        return frozenset(found)

    def unchanged(self, path: str) -> frozenset[str]:
        """Those of them where it has the same content, and the name that it has on this machine."""
        name = os.path.basename(path)
        return frozenset(
            found for found in self.bundle_paths(path) if found not in self._changed and os.path.basename(found) == name
        )

    def folder(self, path: str) -> str | None:
        """The bundle path of a folder of this machine; None where no file in it came along."""
        found = self._folders.get(path)
        return found if found is not None else self._folders.get(os.path.realpath(path))
