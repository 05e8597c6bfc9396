"""Run a bundle and judge it by itself: there is no source beside it that it could be compared with."""

from __future__ import annotations

import shlex
import shutil
from typing import NamedTuple

from bundler.audit.added_pycs import audit_added_pycs
from bundler.audit.comparison import Sides, failures, outside_of
from bundler.audit.observation import libraries_of
from bundler.audit.observing import Subject, clean_variables
from bundler.audit.origins import Origins
from bundler.audit.reports import RunReport
from bundler.audit.run_check import NOT_IMPORTED, RunCheck, run_check
from bundler.audit.subjects import batches_of
from bundler.audit.tree import BundleTree
from bundler.audit.two_libcs import NOT_TRIED, WithOwn, mixed_libcs, own_libc, try_with_own
from bundler.bundle_paths import BundleRoot
from bundler.errors import BadOption
from bundler.faults import Fault, Findings
from bundler.machine import os
from bundler.options import AuditDepth
from bundler.systems import System


class Alone(NamedTuple):
    """What came of it; no report where nothing was run."""

    faults: list[Fault]
    notes: list[str]
    report: RunReport | None


def own_names(tree: BundleTree) -> frozenset[str]:
    """The file names of the libraries of a machine that a bundle brings along, and that no process may have of another one."""
    libc = own_libc(tree)
    brought = {fact.path for fact in tree.manifest.bundled}
    return frozenset(map(os.path.basename, brought - libc if tree.manifest.host_libc is not None else brought | libc))


def runner_of(command: str) -> tuple[str, ...]:
    """The words of a command that runs programs of another system, as a shell reads them. Raises BadOption."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise BadOption(f"--runner {command}: {error}") from error
    if words and shutil.which(words[0]) is None:
        raise BadOption(f"--runner {command}: there is no program {words[0]} on PATH")
    return words


def run_alone(tree: BundleTree, place: str, system: System, depth: AuditDepth, runner: tuple[str, ...] = ()) -> Alone:
    """Run the bundle in the folder `place` (without links), whose static part passed.

    Where somebody put other code beside a module, as what was compiled of it, nothing is imported.
    """
    executable = tree.manifest.python.executable
    python = os.path.join(place, executable)
    added = Findings([], [])
    if not runner and system.why_not_run(tree.files[executable].image, python) is None:
        added = audit_added_pycs(tree, place, Subject(python, system.observer, clean_variables()))
        if added.faults:
            return Alone(added.faults, [*added.notes, NOT_IMPORTED], None)
    check = run_check(tree, place, system, batches_of(tree, depth), runner=runner)
    hosts = frozenset(tree.manifest.host_libraries)
    sides = Sides(BundleRoot(place), Origins(()), system, hosts, everywhere=system.preloaded(), own=own_names(tree))
    outside = [*outside_of(check.observations, sides), *mixed_libcs(check.observations, tree, sides.root)]
    found, more = run_faults(tree, check)
    with_own = try_with_own(tree, place, check, sides) if not runner else NOT_TRIED
    not_run = [f"nothing of it was run: {check.why_not}"] if check.why_not else []
    notes = [*added.notes, *check.notes, *more, *not_run, *with_own.notes]
    report = report_of(check, outside, BundleRoot(place), with_own=with_own) if check.observations else None
    return Alone([*check.faults, *found, *outside, *with_own.faults], notes, report)


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


def report_of(
    check: RunCheck,
    outside: list[Fault],
    root: BundleRoot,
    *,
    compared: bool = False,
    with_own: WithOwn = NOT_TRIED,
) -> RunReport:
    """The outcome of a run check of the bundle at `root`, as a value for the report."""
    mapped = libraries_of(check.observations)
    bundled = None if mapped is None else frozenset(inside for path in mapped if (inside := root.inside(path)))
    return RunReport(
        check.tried,
        check.failed,
        tuple(fault.path for fault in outside),
        check.cage,
        compared,
        bundled=bundled,
        with_own_libc=with_own.tried,
    )
