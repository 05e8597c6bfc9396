"""The audit at the end of a pack, which knows the source: both are tried, and what differs is a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bundler.audit.alone import own_names, report_of, run_alone
from bundler.audit.comparison import Comparison, Sides, compare, failures, outside_of
from bundler.audit.contents import Contents, audit_contents
from bundler.audit.leaking import leaks_of, search_for
from bundler.audit.missing import sort_failures
from bundler.audit.observation import Observation
from bundler.audit.observing import Subject, user_variables
from bundler.audit.origins import Origins
from bundler.audit.proofs.book import ProofBook
from bundler.audit.recalled import ReadingsBook, Recalled, recalled
from bundler.audit.reports import AuditReport, LeakReport
from bundler.audit.run_check import NOT_IMPORTED, Hidden
from bundler.audit.second_reading import OpenFile, audit_changed_binaries, in_folder
from bundler.audit.seen_files import Looking
from bundler.audit.starting import new_complaints, start_once
from bundler.audit.static import audit_static
from bundler.audit.subjects import batches_of, entry_modules
from bundler.audit.tree import BundleTree, look_through
from bundler.audit.trying import Trial, Tried
from bundler.audit.two_libcs import mixed_libcs, try_with_own
from bundler.bundle_paths import NOWHERE
from bundler.entries import Digests, Entry, Patched
from bundler.environment import Environment
from bundler.environment.unpacked import no_bundle
from bundler.faults import Fault, FaultKind
from bundler.leaks.rules import AllowedLeaks
from bundler.leaks.scanner import Closeness, Search
from bundler.machine import os
from bundler.machine.maker import this_maker
from bundler.options import AuditDepth, LeakMode
from bundler.plan.left_out import NOTHING_LEFT_OUT, LeftOut
from bundler.plan.published import Published
from bundler.prefixes import is_system_prefix
from bundler.systems import System, system_of
from bundler.systems.libraries import LibraryFacts
from bundler.systems.openers import openers
from bundler.target import Target
from bundler.trees import Tree, open_tree

_OPENED_TO_DO = (
    "leave the library that opens it to the host (--exclude-lib NAME), or install a wheel that brings its own"
)
_COMPLAINT_TO_DO = (
    "what a .pth file or sitecustomize asks for must lie in the environment: install it, or remove what asks"
)
_NOT_COMPARED = "nothing was compared with the source: the environment was read from files alone"
_NOT_RUN = (
    "nothing was run, and nothing compared with the source: the environment was read from files alone; the run check is left to "
    "`bundler verify` where it belongs"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What the audit found."""

    audit: AuditReport
    leaks: LeakReport
    import_failures: Mapping[str, str] | None
    """Modules that the source cannot import either; None where it was not tried."""
    lacking: Mapping[str, str] = field(default_factory=dict)
    """Libraries of this machine that the source's modules open at run time and the bundle lacks, which no header tells: the names
    that they have for themselves (DT_SONAME), by the paths by which they were asked for."""
    loaded: frozenset[str] | None = None
    """Libraries that the source's processes had, and names by which they asked for some; None where nobody tells."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed, as far as the audit has to know."""

    environment: Environment
    entries: Sequence[Entry]
    libraries: LibraryFacts
    modules_left_out: LeftOut = NOTHING_LEFT_OUT
    left_out: bool = False
    """Whether the user left a part of the environment, or of its base's packages, out."""
    published: Published | None = None
    leaks: LeakMode | None = None
    allowed_leaks: tuple[str, ...] = ()
    target: Target | None = None
    """The system that it must run on; None for none in particular."""

    @property
    def search(self) -> Search:
        """What its files shall not tell."""
        return search_for(_prefixes(self.environment), None if self.leaks is LeakMode.ALLOW else this_maker())

    def looking(self, search: Search) -> Looking:
        """How closely each of its files is looked at."""
        closeness = self.published.closeness if self.published is not None else lambda _path: Closeness.OWN
        return Looking(search, closeness)

    def leaks_in(self, tree: BundleTree) -> LeakReport:
        """What was found in its files, sorted."""
        return leaks_of(tree, self.published, AllowedLeaks(self.allowed_leaks))


@dataclass(frozen=True, slots=True)
class Candidate:
    """The bundle that is to be proved."""

    tree: Tree
    open_file: OpenFile
    folder: Callable[[], str]
    """Where it can be run, once it is asked for: one that is only planned is written there then."""
    digests: Digests = field(default_factory=dict)
    """Of files, by bundle path: what was written, or will be."""
    place: str | None = None
    """The folder that it lies in, absolute and without links; None for one that is only planned."""


def candidate_in(folder: str, digests: Digests) -> Candidate:
    """The bundle that was written into a folder."""
    place = os.path.realpath(folder)
    return Candidate(open_tree(place), in_folder(place), lambda: place, digests, place)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier audits of the environment know: it is not done again. What is done now is noted there."""

    imports: ProofBook
    readings: ReadingsBook


def prove(
    candidate: Candidate, packed: Packed, depth: AuditDepth, earlier: Earlier, runner: tuple[str, ...] = ()
) -> Proof:
    """Audit what was packed; it is run, and compared with the source, where the environment was probed.

    What was read from files is run by the `runner`, where there is one, and compared with nothing.
    """
    environment = packed.environment
    system = system_of(environment.platform.system)
    search = packed.search
    known = recalled(earlier.readings, search, candidate.digests)
    tree = _read(candidate, packed.looking(search), known, with_symbols=packed.target is not None)
    leaks = packed.leaks_in(tree)
    contents = audit_contents(tree, system, strict=False)
    faults, notes = audit_static(tree, system, packed.target)
    faults += contents.faults
    contents = replace(contents, notes=(*contents.notes, *notes))
    faults += audit_changed_binaries(tree, candidate.open_file, _sources(packed.entries), known)
    known.keep()
    if not environment.probed and not runner:
        return _static_proof(tree, contents, leaks, faults, [_NOT_RUN])
    if faults:
        return _static_proof(tree, contents, leaks, faults, [NOT_IMPORTED])
    if not environment.probed:
        alone = run_alone(tree, os.path.realpath(candidate.folder()), system, depth, runner)
        proof = _static_proof(tree, contents, leaks, alone.faults, [_NOT_COMPARED, *alone.notes])
        return replace(proof, audit=replace(proof.audit, run=alone.report))
    source = Subject(environment.python, system.observer, user_variables(), os.getcwd())
    trial = Trial(tree, source, system, earlier.imports, packed.modules_left_out)
    batches = batches_of(tree, depth)
    sides = _sides(tree, system, packed)
    proofs = trial.known(batches, sides)
    if len(proofs) == len(batches):
        tried = trial.recall(batches, proofs)
        proof = _run_proof(tree, trial, tried, packed, contents, leaks, sides, depth)
    else:
        place = candidate.folder()
        tried = trial.run(batches, proofs, place, _hidden(packed), packed.entries, sides.origins)
        start_faults = _start_faults(source, place, environment, tree, system)
        proof = _run_proof(tree, trial, tried, packed, contents, leaks, sides, depth, start_faults)
    return _with_own_libc(proof, tried, tree, candidate, packed, sides)


def _with_own_libc(
    proof: Proof, tried: Tried, tree: BundleTree, candidate: Candidate, packed: Packed, sides: Sides
) -> Proof:
    """The proof with what came of trying the bundle with its own libc, where it may use that or this machine's."""
    audit = proof.audit
    if packed.libraries.host_libc is None or audit.run is None:
        return proof
    mixed = [*mixed_libcs(tried.check.observations, tree, tried.root)]
    hidden = replace(_hidden(packed), libraries=[library.source for library in packed.libraries.bundled])
    place = os.path.realpath(candidate.folder())
    found = try_with_own(tree, place, tried.check, replace(sides, root=tried.root), hidden)
    return replace(
        proof,
        audit=replace(
            audit,
            faults=(*audit.faults, *mixed, *found.faults),
            notes=(*audit.notes, *found.notes),
            run=replace(audit.run, with_own_libc=found.tried),
        ),
    )


def find_leaks(candidate: Candidate, packed: Packed, earlier: Earlier) -> LeakReport:
    """What a bundle that is not audited tells of its maker. Nothing of it is run."""
    search = packed.search
    known = recalled(earlier.readings, search, candidate.digests)
    tree = _read(candidate, packed.looking(search), known, with_symbols=False)
    known.keep()
    return packed.leaks_in(tree)


def _read(candidate: Candidate, looking: Looking, known: Recalled, *, with_symbols: bool) -> BundleTree:
    """Read it to its end, and look through it. Raises NotABundle."""
    tree = look_through(candidate.tree, looking, known, with_symbols=with_symbols)
    if tree is None:
        raise no_bundle(candidate.place or NOWHERE.path)
    return tree if candidate.place is None else replace(tree, root=candidate.place, in_archive=False)


def _sources(entries: Sequence[Entry]) -> dict[str, Patched]:
    """What patched entries are made of, by bundle path."""
    return {entry.path: entry.content for entry in entries if isinstance(entry.content, Patched)}


def _static_proof(
    tree: BundleTree, contents: Contents, leaks: LeakReport, faults: Sequence[Fault], notes: Sequence[str] = ()
) -> Proof:
    audit = AuditReport(tuple(faults), len(tree.files), contents.added, (*contents.notes, *notes), None)
    return Proof(audit, leaks, None)


def _run_proof(
    tree: BundleTree,
    trial: Trial,
    tried: Tried,
    packed: Packed,
    contents: Contents,
    leaks: LeakReport,
    sides: Sides,
    depth: AuditDepth,
    start_faults: Sequence[Fault] = (),
) -> Proof:
    """Compare what the bundle had, when it was tried, with what the source had."""
    check, observed = tried.check, tried.source
    if not check.observations:
        why_not = [f"nothing of it was run: {check.why_not}"] if check.why_not else []
        return _static_proof(tree, contents, leaks, check.faults, [*why_not, *check.notes])
    sides = replace(sides, root=tried.root)
    if not check.faults and not start_faults:
        trial.learn(tried, sides)
    comparison = compare(observed, check.observations, sides, tried.proven)
    outside = [_with_opener(fault, packed.libraries) for fault in outside_of(check.observations, sides)]
    told = {fault.path for fault in outside}
    failed = sort_failures(check.failed, observed, entry_modules(tree), packed.modules_left_out)
    lacking, lost = _to_be_taken(comparison, observed, sides.system, packed.libraries)
    faults = [
        *failures(failed.known, check.failed),
        *(_with_opener(fault, packed.libraries) for fault in comparison.faults),
        *(fault for path, fault in lost.items() if path not in told),
        *outside,
        *start_faults,
    ]
    report = replace(report_of(check, outside, tried.root, compared=True), known=tried.known)
    notes = (*contents.notes, *check.notes, *failed.notes)
    audit = AuditReport(tuple(faults), len(tree.files), contents.added, notes, report)
    complete = failed.known if depth is AuditDepth.FULL else None
    return Proof(audit, leaks, complete, lacking, _loaded(observed))


def _sides(tree: BundleTree, system: System, packed: Packed) -> Sides:
    """What tells whose a path is; the bundle lies nowhere yet."""
    return Sides(
        NOWHERE,
        Origins(packed.entries),
        system,
        frozenset(tree.manifest.host_libraries),
        packed.left_out,
        everywhere=system.preloaded(),
        own=own_names(tree),
        taken={library.path: library.needed_by for library in packed.libraries.bundled},
    )


def _loaded(observed: Sequence[Observation]) -> frozenset[str] | None:
    """What the processes had and asked for; None where one does not tell what it had."""
    told = [item.libraries for item in observed if item.libraries is not None]
    if len(told) < len(observed):
        return None
    return frozenset().union(*told, *(item.opened for item in observed))


def _hidden(packed: Packed) -> Hidden:
    """What the bundle must do without: the environment, its base, and the libraries that came along."""
    interpreter = packed.environment.interpreter
    shared = is_system_prefix(interpreter.base_prefix)
    base = (interpreter.stdlib, interpreter.platstdlib) if shared else (interpreter.base_prefix,)
    folders = packed.environment.site_packages
    libraries = packed.libraries
    hosts = (
        os.path.dirname(libraries.loader) if libraries.host_libc is not None else None
    )  # used in place of the bundle's
    brought = [library.source for library in libraries.bundled if os.path.dirname(library.path) != hosts]
    return Hidden((packed.environment.root, *base, *folders), brought)


def _to_be_taken(
    comparison: Comparison, observed: Sequence[Observation], system: System, facts: LibraryFacts
) -> tuple[dict[str, str], dict[str, Fault]]:
    """The lacking libraries that can be taken along, by the paths that were asked for; faults of the others, by their paths."""
    libraries = {path: system.opened_library(path) for path in comparison.lacking}
    needed = {name for library in libraries.values() if library is not None for name in library.needed}
    asked = {name for item in observed for name in item.opened if "/" not in name}
    taken, lost = {}, {}
    for path, library in libraries.items():
        if library is None:
            message = f"the source loads {path}, a library without a name (DT_SONAME), which did not come along"
            hint = _opened_by(path, facts) or _OPENED_TO_DO
            lost[path] = Fault(FaultKind.DIFFERENCE, comparison.lacking[path], message, hint)
        elif library.soname not in needed:  # else it comes along with what needs it
            taken[_asked_path(path, asked)] = library.soname
    return taken, lost


def _with_opener(fault: Fault, facts: LibraryFacts) -> Fault:
    """A fault of what is used outside, or came along in vain, with what to do where it is a plugin of a library that came along."""
    source = next((library.source for library in facts.bundled if library.path == fault.path), fault.path)
    return replace(fault, hint=_opened_by(source, facts) or fault.hint)


def _opened_by(plugin: str, facts: LibraryFacts) -> str:
    """What to do about a plugin that stays behind, since the path to it is compiled into a library; "" where it is in none."""
    names = [os.path.basename(library.path) for library in openers(plugin, facts)]
    if not names:
        return ""
    options = " ".join(f"--exclude-lib {name}" for name in names)
    return (
        f"{', '.join(names)} opens it by a path that is compiled in: {options} leaves that to the host, which must have it "
        "with its plugins then; a wheel of the same package often brings its own"
    )


def _asked_path(path: str, asked: set[str]) -> str:
    """The path of a library by the name that was asked for, where that is another one beside it."""
    folder = os.path.dirname(path)
    for name in sorted(asked):
        other = os.path.join(folder, name)
        if os.path.lexists(other) and os.path.realpath(other) == os.path.realpath(path):
            return other
    return path


def _start_faults(
    source: Subject, place: str, environment: Environment, tree: BundleTree, system: System
) -> list[Fault]:
    """What a start as a user does it says that the source does not say."""
    executable = tree.manifest.python.executable
    bundle = Subject(os.path.join(place, executable), system.observer, source.variables)
    before, after = start_once(source), start_once(bundle)
    if before.status != 0:
        return []
    if after.status != 0:
        said = after.said[-1] if after.said else "it said nothing"
        message = f"does not start with the user's variables: {said}"
        hint = (
            "env -i BUNDLE/bin/python starts it without them: leave the one that matters (PATH, LD_LIBRARY_PATH, …) out"
        )
        return [Fault(FaultKind.START, executable, message, hint)]
    places = {place: environment.root}
    return [
        Fault(FaultKind.START, executable, f"complains at its start, and the source does not: {line}", _COMPLAINT_TO_DO)
        for line in new_complaints(before, after, places)[:1]
    ]


def _prefixes(environment: Environment) -> tuple[str, ...]:
    """Paths of the source whose traces are looked for; a system's prefix is no trace."""
    sysroot = environment.sysroot
    places = [environment.root, sysroot.real(environment.root), environment.interpreter.base_prefix]
    names = [sysroot.name_of(place) for place in places]
    if not sysroot.is_host:
        names.append(sysroot.path)
    return tuple(dict.fromkeys(name for name in names if not is_system_prefix(name)))


def with_lost_libraries(proof: Proof) -> Proof:
    """The proof with a fault for each library that is lacking still."""
    told = {fault.path for fault in proof.audit.faults}
    lost = [
        Fault(
            FaultKind.DIFFERENCE,
            path,
            f"the source opens it ({soname}), and the bundle does not find it",
            f"it is opened by its whole path, perhaps: --exclude-lib {soname} leaves it to the host",
        )
        for path, soname in proof.lacking.items()
        if path not in told
    ]
    return replace(proof, audit=replace(proof.audit, faults=(*proof.audit.faults, *lost))) if lost else proof
