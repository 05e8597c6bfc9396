"""The script in front of a bundle that unpacks itself: it runs on the customer's machine before anything else does."""

from __future__ import annotations

from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind, Findings
from bundler.sinks.archives.self_extracting import read_header, start_of_header
from bundler.systems import System
from bundler.version import VERSION

_TO_DO = "do not run it: take the file again from where it came from, or pack again"


def audit_unpacker(path: str, tree: BundleTree, system: System) -> Findings:
    """Whether the script of the archive at `path` is the one that a pack writes; nothing for an archive of another kind."""
    script = read_header(path)
    if script is None:
        return Findings([], [])
    start = start_of_header(script)
    if start is None and tree.manifest.bundler != VERSION:
        return Findings([], [f"whether somebody changed its script only bundler {tree.manifest.bundler} can tell"])
    if start is None:
        message = "the script in front of its archive is not the one that a pack writes"
        return Findings([Fault(FaultKind.SCRIPT, "", message, _TO_DO)], [])
    told = tree.manifest.python.scheme.script(system.start_name) if tree.manifest.entry else ""
    if start != told:
        message = f"its script starts {start or 'nothing'}, and bundle.json tells {told or 'no start command'}"
        return Findings([Fault(FaultKind.SCRIPT, "", message, _TO_DO)], [])
    return Findings([], [])
