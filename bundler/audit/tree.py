"""What lies in a bundle's folder: every path, without following a link."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from bundler.errors import NotABundle
from bundler.manifest import Manifest, read_manifest

MANIFEST = "bundle.json"


@dataclass(frozen=True, slots=True)
class BundleTree:
    """A bundle on disk: its folder (absolute, links followed), its manifest, its files and links by bundle path."""

    root: str
    manifest: Manifest
    files: frozenset[str]
    links: frozenset[str]

    def path(self, bundle_path: str) -> str:
        """The path on this machine."""
        return os.path.join(self.root, bundle_path)


def read_tree(bundle: str) -> BundleTree:
    """The bundle at a folder. Raises NotABundle where there is no readable `bundle.json`."""
    root = os.path.realpath(bundle)
    try:
        with open(os.path.join(root, MANIFEST), "rb") as file:
            manifest = read_manifest(file.read())
    except OSError as error:
        raise NotABundle(f"{bundle} is no bundle: bundle.json cannot be read ({error.strerror})") from error
    files: set[str] = set()
    links: set[str] = set()
    for path, is_link in _walk(root, ""):
        (links if is_link else files).add(path)
    return BundleTree(root, manifest, frozenset(files - {MANIFEST}), frozenset(links))


def _walk(root: str, below: str) -> Iterator[tuple[str, bool]]:
    """Files and links below a folder, as bundle paths, with whether each is a link."""
    with os.scandir(os.path.join(root, below)) as items:
        for item in items:
            path = f"{below}/{item.name}" if below else item.name
            if item.is_symlink():
                yield path, True
            elif item.is_dir(follow_symlinks=False):
                yield from _walk(root, path)
            else:
                yield path, False
