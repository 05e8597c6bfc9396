"""Prove a finished bundle: a static audit that runs nothing, then a run check that imports every extension module."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.contents import Contents, audit_contents
from bundler.audit.faults import AuditReport, Fault, FaultKind, LeakReport, RunReport
from bundler.audit.libraries import audit_libraries
from bundler.audit.links import audit_links
from bundler.audit.run import audit_run
from bundler.audit.texts import audit_texts
from bundler.audit.tree import BundleTree, read_tree

__all__ = ["AuditReport", "Fault", "FaultKind", "LeakReport", "RunReport", "audit_static", "audit_tree", "verify"]


def verify(bundle: str, *, run: bool = True, strict: bool = False) -> AuditReport:
    """Audit the bundle in a folder. Nothing of it is run unless the static part passes.

    With `strict`, what was added after the pack is a fault. Raises NotABundle, UnsupportedBundle.
    """
    tree = read_tree(bundle)
    contents = audit_contents(tree, strict=strict)
    return audit_tree(tree, contents, run=run)


def audit_tree(tree: BundleTree, contents: Contents, *, run: bool) -> AuditReport:
    """The audit of a tree whose contents were compared already."""
    faults, notes = audit_static(tree)
    faults += contents.faults
    report = audit_run(tree) if run and not faults else None
    if report is not None:
        faults += run_faults(tree, report)
    return AuditReport(tuple(faults), len(tree.files), contents.added, (*contents.notes, *notes), report)


def audit_static(tree: BundleTree) -> tuple[list[Fault], list[str]]:
    """Faults and notes of links, ELF files and texts."""
    faults, notes = audit_libraries(tree)
    return [*audit_links(tree), *faults, *audit_texts(tree)], notes


def run_faults(tree: BundleTree, report: RunReport) -> Iterator[Fault]:
    """Faults of the run check: what failed and is not known to fail in the source, what came from outside."""
    for name, error in report.failed.items():
        if name not in tree.manifest.import_failures:
            yield Fault(FaultKind.IMPORT, name, f"cannot be imported: {error}")
    for path in report.outside:
        yield Fault(FaultKind.OUTSIDE, path, "is used and lies outside of the bundle")
