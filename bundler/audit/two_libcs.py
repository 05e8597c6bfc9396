"""A bundle that takes this machine's libc or its own (`--libc auto`): it is tried with both, and no process has parts of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from bundler.audit.cage import cages_are_allowed
from bundler.audit.comparison import Sides, failures, outside_of
from bundler.audit.observation import Observation
from bundler.audit.run_check import NOTHING_HIDDEN, Hidden, RunCheck, run_check
from bundler.audit.subjects import batches_of
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import BundleRoot
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.options import AuditDepth

_MIXED_TO_DO = (
    "what opens it by its whole path, or by a path compiled in, must not: bin/python -v shows which module that is"
)


class WithOwn(NamedTuple):
    """What came of trying a bundle with its own libc."""

    faults: list[Fault]
    notes: list[str]
    tried: int = 0
    """The number of modules that were imported with it, where others were with this machine's."""


NOT_TRIED = WithOwn([], [])


def own_libc(tree: BundleTree) -> frozenset[str]:
    """The bundle paths of the loader and of libc's family, where the bundle brings them."""
    folder = os.path.dirname(tree.manifest.loader)
    return frozenset(path for path in tree.files if folder and os.path.dirname(path) == folder)


def mixed_libcs(observations: Sequence[Observation], tree: BundleTree, root: BundleRoot) -> Iterator[Fault]:
    """Parts of this machine's libc that processes had beside those of the bundle's."""
    own = own_libc(tree)
    names = {os.path.basename(path) for path in own}
    told: set[str] = set()
    for item in observations:
        mapped = item.libraries or frozenset()
        if any(root.inside(path) in own for path in mapped):
            others = {path for path in mapped if os.path.basename(path) in names and not root.holds(path)}
            for path in sorted(others - told):
                yield Fault(FaultKind.OUTSIDE, path, "is used beside parts of the bundle's own libc", _MIXED_TO_DO)
            told |= others


def try_with_own(
    tree: BundleTree, place: str, first: RunCheck, sides: Sides, hidden: Hidden = NOTHING_HIDDEN
) -> WithOwn:
    """Import the extension modules of the bundle in the folder `place` with its own libc, where they had this machine's at `first`.

    The machine's loader is hidden for that, so that programs choose the other one; `hidden` is what else is. `sides` are those of
    `first`. Raises ObserverFailed.
    """
    floor = tree.manifest.host_libc
    if floor is None or not first.observations:
        return NOT_TRIED
    own, system = own_libc(tree), sides.system
    if any(sides.root.inside(path) in own for item in first.observations for path in item.libraries or ()):
        message = f"it was run with its own libc alone: this machine's is not {floor.system} {floor.text} or later"
        return WithOwn([], [message])
    loader = system.chosen_loader(tree.files[tree.manifest.python.executable].image)
    if loader is None or not cages_are_allowed():
        return WithOwn([], ["it was run with this machine's libc alone, which cannot be hidden here"])
    batches = batches_of(tree, AuditDepth.QUICK)
    more = Hidden((*hidden.source, loader), hidden.libraries)
    check = run_check(tree, place, system, batches, more, first.failed)
    found, notes = _judged(check, first.failed)
    own_sides = replace(sides, root=BundleRoot(place), own=_all_names(tree))
    return WithOwn([*check.faults, *found, *outside_of(check.observations, own_sides)], notes, check.tried)


def _judged(check: RunCheck, known: Collection[str]) -> tuple[list[Fault], list[str]]:
    """Failures beyond those that are `known`. Programs of the machine do not start without its loader: who needs one is excused."""
    helped = {name: item for item in check.observations if item.programs for name in item.failed}
    excused = [name for name in helped if name not in known]
    notes = []
    if excused:
        notes.append(
            f"{', '.join(excused)}: not imported with the bundle's own libc, perhaps because programs of the machine were hidden"
        )
    faults = failures({**dict.fromkeys(known, ""), **dict.fromkeys(excused, "")}, check.failed)
    what = "with the bundle's own libc it "
    return [Fault(fault.kind, fault.path, what + fault.message, fault.hint) for fault in faults], notes


def _all_names(tree: BundleTree) -> frozenset[str]:
    """The names of all libraries that the bundle brings of a machine."""
    brought = (fact.path for fact in tree.manifest.bundled)
    return frozenset(map(os.path.basename, (*brought, *own_libc(tree))))
