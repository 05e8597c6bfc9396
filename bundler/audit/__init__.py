"""Prove a finished bundle: a static audit that runs nothing, then a run check that imports every extension module."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bundler.audit.contents import Contents, audit_contents, came_later
from bundler.audit.links import audit_links
from bundler.audit.reports import AuditReport, LeakReport, RunReport
from bundler.audit.run import audit_run
from bundler.audit.texts import audit_texts
from bundler.audit.tree import BundleTree, read_tree
from bundler.audit.view import TreeView
from bundler.errors import UnsupportedBundle
from bundler.faults import Fault, FaultKind, Findings
from bundler.platforms import OperatingSystem
from bundler.systems import System, system_of
from bundler.trees import extracted

__all__ = ["AuditReport", "Fault", "FaultKind", "LeakReport", "RunReport", "audit_static", "audit_tree", "verify"]


def verify(bundle: str, *, run: bool = True, strict: bool = False) -> AuditReport:
    """Audit a bundle, a directory or an archive. Nothing of it is run unless the static part passes.

    An archive is read as it is; only to be run it is extracted, for as long as that takes. What is built for another machine is
    not run where that has no emulator, and a note says so. With `strict`, what was added after
    the pack is a fault. Raises NotABundle, UnsupportedBundle.
    """
    tree = read_tree(bundle)
    return audit_tree(bundle, tree, audit_contents(tree, strict=strict), run=run)


def audit_tree(bundle: str, tree: BundleTree, contents: Contents, *, run: bool) -> AuditReport:
    """The audit of the bundle at a path that was read, and whose contents were compared already."""
    system = _system(tree)
    faults, notes = audit_static(tree, system)
    faults += contents.faults
    report = unfit = None
    if run and not faults:
        with extracted(bundle) as folder:
            place = os.path.realpath(folder)
            program = tree.files[tree.manifest.python.executable].headers
            unfit = system.why_not_run(program, os.path.join(place, tree.manifest.python.executable))
            report = audit_run(tree, place, system) if unfit is None else None
        faults += run_faults(tree, report) if report is not None else ()
    notes += [f"nothing of it was run: {unfit}"] if unfit else []
    return AuditReport(tuple(faults), len(tree.files), contents.added, (*contents.notes, *notes), report)


def _system(tree: BundleTree) -> System:
    """The rules of the bundle's system. Raises UnsupportedBundle for one that is not known."""
    name = tree.manifest.system
    known = next((system for system in OperatingSystem if system.value == name), None)
    if known is None:
        raise UnsupportedBundle(f"the bundle is for {name}, of which this version knows nothing", "use a newer bundler")
    return system_of(known)


def audit_static(tree: BundleTree, system: System) -> Findings:
    """Faults and notes of links, binaries and texts. Binaries that an installer brought later are its own business: a note."""
    found, notes = system.check_binaries(TreeView(tree))
    later = {fault.path for fault in found if came_later(tree, fault.path)}
    faults = [fault for fault in found if fault.path not in later]
    if later:
        notes.append(
            f"{len(later)} binaries that came after the pack lean on the host; packing the bundle again mends that"
        )
    return Findings([*audit_links(tree), *faults, *audit_texts(tree)], notes)


def run_faults(tree: BundleTree, report: RunReport) -> Iterator[Fault]:
    """Faults of the run check: what failed and is not known to fail in the source, what came from outside."""
    for name, error in report.failed.items():
        if name not in tree.manifest.import_failures:
            yield Fault(FaultKind.IMPORT, name, f"cannot be imported: {error}")
    for path in report.outside:
        yield Fault(FaultKind.OUTSIDE, path, "is used and lies outside of the bundle")
