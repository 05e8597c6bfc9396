"""Launchers of a bundle: what each of them starts must be there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.binaries.elf.launchers import WordKind, read_launcher
from bundler.errors import BinaryFormatError
from bundler.faults import Fault, FaultKind

_TO_DO = "pack again, or install what brought the script anew and run bundler fix BUNDLE"


def audit_launchers(tree: BundleTree) -> Iterator[Fault]:
    """Faults of the launchers that the manifest knows: scripts, and what a pack changed. A package may have others as its data."""
    scripts = {path for path in tree.files if tree.manifest.python.scheme.is_script(path)}
    changed = {change.path for change in tree.manifest.changed}
    for path in sorted((scripts | changed) & tree.files.keys() & tree.manifest.files.keys()):
        try:
            launcher = read_launcher(tree.files[path].head)
        except BinaryFormatError as error:
            yield Fault(FaultKind.SCRIPT, path, f"starts nothing: {error}", _TO_DO)
            continue
        for word in launcher.words if launcher else ():
            if word.kind is WordKind.PATH and not _leads_to_a_file(
                tree, posixpath.join(posixpath.dirname(path), word.text)
            ):
                yield Fault(FaultKind.SCRIPT, path, f"starts {word.text}, which is not in the bundle", _TO_DO)


def _leads_to_a_file(tree: BundleTree, path: str) -> bool:
    return tree.follow(posixpath.normpath(path)) in tree.files
