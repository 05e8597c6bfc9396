"""Links of a bundle: none leads out, none is absolute."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bundler.audit.faults import Fault, FaultKind
from bundler.audit.tree import BundleTree


def audit_links(tree: BundleTree) -> Iterator[Fault]:
    """Faults of links. One that dangles inside the bundle is a fault, too, unless the manifest has it as it is."""
    for path in sorted(tree.links):
        target = os.readlink(tree.path(path))
        if os.path.isabs(target):
            yield Fault(FaultKind.LINK, path, f"is an absolute link to {target}")
            continue
        real = os.path.realpath(tree.path(path))
        if real != tree.root and not real.startswith(tree.root + "/"):
            yield Fault(FaultKind.LINK, path, f"leads out of the bundle, to {target}")
        elif not os.path.exists(real):
            yield Fault(FaultKind.LINK, path, f"leads to {target}, which is not there")
