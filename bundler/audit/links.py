"""Links of a bundle: none leads out, none is absolute, none dangles."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.machine import os

_TO_DO = "make it a relative link to something inside, or leave it out (--exclude), and pack again"


def audit_links(tree: BundleTree) -> Iterator[Fault]:
    """Faults of links."""
    for path, target in sorted(tree.links.items()):
        if target.startswith("/"):
            yield Fault(FaultKind.LINK, path, f"is an absolute link to {target}", _TO_DO)
        elif tree.follow(path) is None:
            outside = os.path.normpath(os.path.join(os.path.dirname(path), target)).split("/")[0] == ".."
            where = f"leads out of the bundle, to {target}" if outside else f"leads to {target}, which is not there"
            yield Fault(FaultKind.LINK, path, where, _TO_DO)
