"""Prove a finished bundle: a static audit that runs nothing, then a run check that imports every extension module."""

from __future__ import annotations

import os
from collections.abc import Iterator

from bundler.audit.contents import Contents, audit_contents, came_later
from bundler.audit.dylibs import audit_dylibs
from bundler.audit.faults import AuditReport, Fault, FaultKind, LeakReport, RunReport
from bundler.audit.libraries import audit_libraries
from bundler.audit.links import audit_links
from bundler.audit.run import audit_run
from bundler.audit.runnable import why_not_run
from bundler.audit.texts import audit_texts
from bundler.audit.tree import BundleTree, read_tree
from bundler.platforms import OperatingSystem
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
    faults, notes = audit_static(tree)
    faults += contents.faults
    report = unfit = None
    if run and not faults:
        with extracted(bundle) as folder:
            unfit = why_not_run(tree, os.path.realpath(folder))
            report = audit_run(tree, os.path.realpath(folder)) if unfit is None else None
        faults += run_faults(tree, report) if report is not None else ()
    notes += [f"nothing of it was run: {unfit}"] if unfit else []
    return AuditReport(tuple(faults), len(tree.files), contents.added, (*contents.notes, *notes), report)


def audit_static(tree: BundleTree) -> tuple[list[Fault], list[str]]:
    """Faults and notes of links, binaries and texts. Binaries that an installer brought later are its own business: a note."""
    macos = tree.manifest.system == OperatingSystem.MACOS.value
    found, notes = audit_dylibs(tree) if macos else audit_libraries(tree)
    later = {fault.path for fault in found if came_later(tree, fault.path)}
    faults = [fault for fault in found if fault.path not in later]
    if later:
        notes.append(
            f"{len(later)} binaries that came after the pack lean on the host; packing the bundle again mends that"
        )
    return [*audit_links(tree), *faults, *audit_texts(tree)], notes


def run_faults(tree: BundleTree, report: RunReport) -> Iterator[Fault]:
    """Faults of the run check: what failed and is not known to fail in the source, what came from outside."""
    for name, error in report.failed.items():
        if name not in tree.manifest.import_failures:
            yield Fault(FaultKind.IMPORT, name, f"cannot be imported: {error}")
    for path in report.outside:
        yield Fault(FaultKind.OUTSIDE, path, "is used and lies outside of the bundle")
