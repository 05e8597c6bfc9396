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
    for path in sorted(tree.files.keys() & tree.manifest.files.keys()):
        source = source_of(path) if path.endswith(".pyc") else None
        if source is None or not UNCHECKED.match(tree.files[path].head) or not tree.is_as_packed(path):
            continue
        if source in tree.files and source in tree.manifest.files and not tree.is_as_packed(source):
            message = f"is what Python runs without a look at {source}, which has other content by now"
            yield Fault(FaultKind.CONTENT, path, message, f"rm {path}")
