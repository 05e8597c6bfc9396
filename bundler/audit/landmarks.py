"""Whether Python's search for its own parts ends in the bundle, at what was packed."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.landmarks import nearer_landmarks, zip_comes_first

ZIP_HINT = "Python takes the first one in the bundle or above it for its standard library; put it back, or pack again"


def audit_landmarks(tree: BundleTree) -> Iterator[Fault]:
    """Faults of landmarks that `bundle.json` does not list: those that are lacking, and such as come before the bundle's own."""
    python = tree.manifest.python
    path = python.scheme.stdlib_zip
    if path not in tree.manifest.files:
        seen = tree.files.get(path)
        if seen is None and zip_comes_first(python.version):
            message = (
                f"is missing, and Python {python.version} takes the first one above the bundle for its standard library;"
                " put an empty file there, or pack again"
            )
            yield Fault(FaultKind.CONFIGURATION, path, message)
        elif seen is not None and seen.size:
            yield Fault(
                FaultKind.ADDED, path, "was added, and Python takes modules from it before its standard library"
            )
    dynload = python.scheme.dynload
    if tree.follow(dynload) is None and not any(file.startswith(dynload + "/") for file in tree.files):
        message = "is missing, and Python takes the first one above the bundle for its extension modules; make an empty folder"
        yield Fault(FaultKind.CONFIGURATION, dynload, message)
    for landmark in nearer_landmarks(python.scheme):
        if tree.follow(landmark.path) is not None:
            yield Fault(
                FaultKind.CONFIGURATION, landmark.path, f"is what Python takes for {landmark.meaning}; remove it"
            )
    for path in sorted(tree.files.keys() | tree.links.keys()):
        if path.endswith("._pth") and _is_python(tree, path[: -len("._pth")]):
            yield Fault(
                FaultKind.CONFIGURATION, path, "is what Python 3.11 and later take for their sys.path; remove it"
            )


def _is_python(tree: BundleTree, path: str) -> bool:
    """Whether a bundle path is the interpreter, by any of its names, or libpython."""
    python = tree.manifest.python
    return tree.follow(path) == python.executable or python.scheme.is_libpython(path)
