"""Whether Python's search for its own parts ends in the bundle, at what was packed."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.landmarks import nearer_landmarks, zip_comes_first
from bundler.machine import os
from bundler.systems import System

_CONFIG = "pyvenv.cfg"
ZIP_HINT = (
    "put the packed one back, or pack again: Python takes the first one in the bundle or above for its standard library"
)


def audit_landmarks(tree: BundleTree, system: System) -> Iterator[Fault]:
    """Faults of landmarks that `bundle.json` does not list: those that are lacking, and such as come before the bundle's own."""
    if system.searches_above:
        yield from _zip(tree)
        yield from _dynload(tree)
    else:
        yield from _configuration_above(tree)
    for landmark in nearer_landmarks(tree.manifest.python.scheme):
        if tree.follow(landmark.path) is not None:
            message = f"is what Python takes for {landmark.meaning}"
            yield Fault(FaultKind.CONFIGURATION, landmark.path, message, "remove it")
    own = frozenset() if system.searches_above else tree.manifest.files.keys()  # Windows: `--isolated` writes one
    for path in sorted(tree.files.keys() | tree.links.keys()):
        if path.endswith("._pth") and path not in own and _is_python(tree, path[: -len("._pth")]):
            message = "is what Python 3.11 and later take for their sys.path"
            yield Fault(FaultKind.CONFIGURATION, path, message, "remove it")


def _configuration_above(tree: BundleTree) -> Iterator[Fault]:
    """The configuration of an environment that the bundle was put into.

    `site` looks for it beside the interpreter and in the folder above, which it takes for `sys.prefix`: the bundle's packages
    are not found then. Under POSIX the bundle's own `pyvenv.cfg` is the one above.
    """
    folder = os.path.dirname(tree.root)
    if (
        not tree.in_archive
        and not tree.manifest.python.executable.count("/")
        and os.path.lexists(f"{folder}/{_CONFIG}")
    ):
        message = f"lies beside the {_CONFIG} of {folder}, which Python takes for its own"
        yield Fault(FaultKind.CONFIGURATION, "", message, f"put the bundle elsewhere, or remove {folder}/{_CONFIG}")


def _zip(tree: BundleTree) -> Iterator[Fault]:
    """The zip of the standard library, where `bundle.json` does not list one."""
    python = tree.manifest.python
    path = python.scheme.stdlib_zip
    if path in tree.manifest.files:
        return
    seen = tree.files.get(path)
    if seen is None and zip_comes_first(python.version):
        message = (
            f"is missing, and Python {python.version} takes the first one above the bundle for its standard library"
        )
        yield Fault(FaultKind.CONFIGURATION, path, message, "put an empty file there, or pack again")
    elif seen is not None and seen.size:
        message = "was added, and Python takes modules from it before its standard library"
        yield Fault(FaultKind.ADDED, path, message, "put an empty file in its place, or pack again")


def _dynload(tree: BundleTree) -> Iterator[Fault]:
    """The folder of the standard library's extension modules."""
    dynload = tree.manifest.python.scheme.dynload
    if tree.follow(dynload) is None and not any(file.startswith(dynload + "/") for file in tree.files):
        message = "is missing, and Python takes the first one above the bundle for its extension modules"
        yield Fault(FaultKind.CONFIGURATION, dynload, message, "make an empty folder, or pack again")


def _is_python(tree: BundleTree, path: str) -> bool:
    """Whether a bundle path is the interpreter, by any of its names, or libpython."""
    python = tree.manifest.python
    return tree.follow(path) == python.executable or python.scheme.is_libpython(path)
