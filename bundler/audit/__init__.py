"""Prove a finished bundle: a static audit that runs nothing, then a run check that imports its modules."""

from __future__ import annotations

import os

from bundler.audit.comparison import Sides, failures, outside_of
from bundler.audit.contents import audit_contents
from bundler.audit.observation import libraries_of
from bundler.audit.origins import Origins
from bundler.audit.reports import AuditReport, LeakReport, RunReport
from bundler.audit.run_check import NOT_IMPORTED, RunCheck, run_check
from bundler.audit.second_reading import audit_changed_binaries, in_folder
from bundler.audit.static import audit_static, system_of_bundle
from bundler.audit.subjects import batches_of
from bundler.audit.tree import BundleTree, read_tree
from bundler.bundle_paths import BundleRoot
from bundler.errors import DamagedBundle
from bundler.faults import Fault, FaultKind
from bundler.keywords import StrPath
from bundler.option_kinds import member_of, path_of, switch_of
from bundler.options import AuditDepth
from bundler.trees import extracted

__all__ = ["AuditReport", "Fault", "FaultKind", "LeakReport", "RunReport", "verify"]


def verify(
    bundle: StrPath,
    *,
    run: bool | None = None,
    strict: bool = False,
    audit: AuditDepth | str = AuditDepth.FULL,
    depth: AuditDepth | str | None = None,
) -> AuditReport:
    """Audit a bundle, a directory or an archive. Nothing of it is run unless the static part passes.

    Without `run` directories are run, and archives, which may be anybody's, are not. An archive is read as it is; only to be run it
    is extracted, for as long as that takes. What is built for another machine is not run where that has no emulator, and a note
    says so. With `strict`, what was added after the pack is a fault. `audit` says what is imported; `depth` is its
    former name. An archive that is damaged has one fault, which says so. Raises NotABundle, UnsupportedBundle; BadOption for a
    wrong argument.
    """
    bundle, strict = path_of("bundle", bundle), switch_of("strict", strict)
    run = None if run is None else switch_of("run", run)
    depth = member_of("audit", AuditDepth, audit if depth is None else depth)
    try:
        tree = read_tree(bundle)
    except DamagedBundle as damage:
        fault = Fault(FaultKind.CONTENT, "", damage.message, damage.hint)
        return AuditReport((fault,), 0)
    system = system_of_bundle(tree)
    contents = audit_contents(tree, system, strict=strict)
    faults, notes = audit_static(tree, system)
    faults += contents.faults
    if os.path.isdir(bundle):
        faults += audit_changed_binaries(tree, in_folder(tree.root))
    report = None
    is_run = os.path.isdir(bundle) if run is None else run
    if is_run and faults:
        notes.append(NOT_IMPORTED)
    if is_run and not faults:
        with extracted(bundle) as folder:
            place = os.path.realpath(folder)
            if tree.in_archive:
                faults += audit_changed_binaries(tree, in_folder(place))
            check = run_check(tree, place, system, batches_of(tree, depth))
            hosts = frozenset(tree.manifest.host_libraries)
            sides = Sides(BundleRoot(place), Origins(()), system, hosts, everywhere=system.preloaded())
            outside = list(outside_of(check.observations, sides))
        found, more = run_faults(tree, check)
        faults += (*check.faults, *found, *outside)
        notes += (*check.notes, *more)
        notes += [f"nothing of it was run: {check.why_not}"] if check.why_not else []
        if check.observations:
            report = report_of(check, outside, BundleRoot(place))
    return AuditReport(tuple(faults), len(tree.files), contents.added, (*contents.notes, *notes), report)


def run_faults(tree: BundleTree, check: RunCheck) -> tuple[list[Fault], list[str]]:
    """Faults of imports, and notes on those that may fail in the source as well: `bundle.json` tells, where somebody tried."""
    known = tree.manifest.import_failures
    if known is None:
        notes = [
            f"{name} cannot be imported ({error}); whether the source can is not known"
            for name, error in check.failed.items()
        ]
        return [], notes
    return list(failures(known, check.failed)), []


def report_of(check: RunCheck, outside: list[Fault], root: BundleRoot, *, compared: bool = False) -> RunReport:
    """The outcome of a run check of the bundle at `root`, as a value for the report."""
    mapped = libraries_of(check.observations)
    bundled = None if mapped is None else frozenset(inside for path in mapped if (inside := root.inside(path)))
    return RunReport(
        check.tried, check.failed, tuple(fault.path for fault in outside), check.cage, compared, bundled=bundled
    )
