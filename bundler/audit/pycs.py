"""Compiled modules beside their sources: which of them Python runs without a look at the source (PEP 552)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind

UNCHECKED = re.compile(rb"....\x01\0\0\0", re.DOTALL)
"""How such a file begins: a magic number, and flags that say a hash, and that nobody compares it."""
_PYC = re.compile(r"(?P<folder>(?:.*/)?)__pycache__/(?P<module>[^/.]+)\.[^/.]+(?:\.opt-\d)?\.pyc")


def source_of(path: str) -> str | None:
    """The bundle path of the module that a file in a `__pycache__` was compiled of; None for other paths."""
    match = _PYC.fullmatch(path)
    return f"{match['folder']}{match['module']}.py" if match else None


def audit_pycs(tree: BundleTree) -> Iterator[Fault]:
    """Faults of packed modules that were exchanged, while what the pack compiled of them is still there, and wins."""
    known = tree.manifest.files
    exchanged = {path for path, seen in tree.files.items() if path in known and seen.sha256 != known[path].sha256}
    for path in sorted(path for path in tree.files.keys() & known.keys() if exchanged and path.endswith(".pyc")):
        source = source_of(path)
        if source in exchanged and path not in exchanged and UNCHECKED.match(tree.files[path].head):
            message = f"is what Python runs without a look at {source}, which has other content by now"
            yield Fault(FaultKind.CONTENT, path, message, f"rm {path}")
