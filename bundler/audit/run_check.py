"""The run check: import a bundle's modules with the source out of reach, and judge what was seen."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bundler.audit.cage import CageKind, cage_of
from bundler.audit.observation import Batch, Observation, all_failed, libraries_of, merged
from bundler.audit.observing import Subject, clean_variables, observe, user_variables
from bundler.audit.starting import start_once
from bundler.audit.subjects import extension_files
from bundler.audit.tree import BundleTree
from bundler.faults import Fault, FaultKind
from bundler.machine import os, path_told
from bundler.systems import System


@dataclass(frozen=True, slots=True)
class RunCheck:
    """What came of it. Nothing was observed where `why_not` tells why, or the Python does not start."""

    batches: tuple[Batch, ...]
    observations: tuple[Observation, ...] = ()
    cage: CageKind = CageKind.NOT_RUN
    why_not: str | None = None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def tried(self) -> int:
        """The number of modules."""
        return len({module for batch in self.batches for module in batch.modules}) if self.observations else 0

    @property
    def failed(self) -> dict[str, str]:
        """The modules that could not be imported, with their errors."""
        return all_failed(self.observations)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a cage hides."""

    source: Collection[str] = ()
    """The environment and its base: what needs them is at fault."""
    libraries: Collection[str] = ()
    """Libraries of the host that came along. Programs of the host need them, too."""


_START_TO_DO = "BUNDLE/{} on another machine, without variables, shows what it misses; a library: --include-lib NAME"
NOTHING_HIDDEN = Hidden()
NOT_IMPORTED = "no module was imported: what is wrong with the files comes first"
_NOT_SEEN = "which shared libraries were loaded is not known: this system does not tell (/proc is not mounted, perhaps)"


def run_check(
    tree: BundleTree,
    place: str,
    system: System,
    batches: tuple[Batch, ...],
    hidden: Hidden = NOTHING_HIDDEN,
    expected: Collection[str] = (),
    runner: tuple[str, ...] = (),
    compiled: str | None = None,
) -> RunCheck:
    """Try these batches of the bundle in the folder `place`, whose static part passed. Raises ObserverFailed.

    Modules whose failure is `expected` are not tried in any other way. `runner` are the words of a program that runs the bundle's;
    it is one of this machine, and the user's: it sees the variables that it is given. `compiled` is a folder; see `Subject`.
    """
    executable = tree.manifest.python.executable
    python = os.path.join(place, executable)
    why_not = None if runner else system.why_not_run(tree.files[executable].image, python)
    if why_not is not None:
        return RunCheck(batches, why_not=why_not)
    cage = cage_of((*hidden.source, *hidden.libraries), (place,))
    kind = CageKind.HIDDEN if cage.hidden else CageKind.MAPS_ONLY
    variables = user_variables() if runner else clean_variables()
    here = system.path_here if runner else path_told
    subject = Subject(python, system.observer, variables, cage=cage, runner=runner, path_here=here, compiled=compiled)
    start = start_once(subject)
    if start.status != 0:
        said = " | ".join(line.strip() for line in start.said[-3:] if line.strip())
        ended = f"status {start.status}" if start.status >= 0 else f"signal {-start.status}"
        message = f"does not start ({ended}): {said or 'it said nothing'}"
        fault = Fault(FaultKind.START, executable, message, _START_TO_DO.format(executable))
        return RunCheck(batches, cage=kind, faults=(fault,))
    observed = observe(subject, batches)
    notes: tuple[str, ...] = (f"it was run by {shlex.join(runner)}",) if runner else ()
    if cage.hidden and any(item.failed.keys() - expected for item in observed):
        observed, more = _with_hosts_programs(observed, batches, subject, hidden, place, expected)
        notes += more
    if libraries_of(observed) is None:
        notes += (_NOT_SEEN,)
    return RunCheck(batches, tuple(_without_loaded(observed, tree, subject)), kind, notes=notes)


def _with_hosts_programs(
    observed: Sequence[Observation],
    batches: Sequence[Batch],
    subject: Subject,
    hidden: Hidden,
    place: str,
    expected: Collection[str],
) -> tuple[list[Observation], tuple[str, ...]]:
    """Try what failed once more where only the source is hidden: the host's programs have their libraries then."""
    again = [number for number, item in enumerate(observed) if item.failed.keys() - expected]
    cage = cage_of(hidden.source, (place,))
    more = observe(
        replace(subject, cage=cage),
        [replace(batches[number], modules=tuple(observed[number].failed), metadata=False) for number in again],
    )
    result, notes = list(observed), []
    for number, item in zip(again, more, strict=True):
        mended = sorted(observed[number].failed.keys() - item.failed.keys())
        if mended:
            result[number] = replace(merged([item, observed[number]]), failed=item.failed)
            notes.append(
                f"{', '.join(mended)}: imported only where the libraries of the host are in their places (a program of the host "
                "is started, perhaps)"
            )
    return result, tuple(notes)


def _without_loaded(observed: Sequence[Observation], tree: BundleTree, subject: Subject) -> list[Observation]:
    """Without failures of extension modules that their packages load by themselves, under other names or in their own order."""
    files = extension_files(tree)
    failed = [name for item in observed for name in item.failed if name in files and "." in name]
    tops = list(dict.fromkeys(name.partition(".")[0] for name in failed))
    loaded: dict[str, set[str]] = {}
    for seen in observe(subject, [Batch(top, (top,)) for top in tops]) if tops else ():
        loaded[seen.batch] = {os.path.basename(path) for path in seen.libraries or ()}
    excused = {name for name in failed if os.path.basename(files[name]) in loaded[name.partition(".")[0]]}
    return [
        replace(item, failed={name: error for name, error in item.failed.items() if name not in excused})
        for item in observed
    ]
