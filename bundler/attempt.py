"""One attempt at a bundle: planned, written and proved. Where the proof finds libraries that are lacking, there is another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bundler.audit import AuditReport
from bundler.audit.against_source import (
    Candidate,
    Earlier,
    Packed,
    Proof,
    candidate_in,
    find_leaks,
    prove,
    with_lost_libraries,
)
from bundler.audit.alone import runner_of
from bundler.audit.dlopened import DlopenedLibraries, found_dlopened, guess_dlopened
from bundler.audit.exclusions import unmet
from bundler.audit.planned import audit_plan
from bundler.audit.refusing import check_leaks
from bundler.audit.reports import LeakReport
from bundler.beside import placed_beside
from bundler.destination import Destination, DirectoryDestination, InPlace, ToFile, ToStandardOutput, format_name
from bundler.entries import Entry, Literal
from bundler.environment import Environment
from bundler.errors import OutputFailed
from bundler.machine.signals import hear_no_more, signals_wait
from bundler.manifest import Manifest, RecordedOptions, write_manifest
from bundler.memory import Memory
from bundler.options import AuditDepth, LeakMode, PackOptions
from bundler.plan.listings import check_unchanged
from bundler.plan.make import Plan, make_plan
from bundler.plan.manifest_entry import foreseen, manifest_entry, manifest_of
from bundler.plan.output import archive_facts, directory_facts
from bundler.plan.parts import savings
from bundler.plan.recorded_options import changed_options
from bundler.plan.settings import PlanSettings
from bundler.plan.signature_entry import check_key_stays
from bundler.progress import Progress
from bundler.report import PackReport
from bundler.sending import Sending, Sent
from bundler.signing.signer import Signer, signed_by
from bundler.sinks import Sink, Written
from bundler.sinks.directories.stage import Stage
from bundler.sinks.opening import SinkOpening
from bundler.systems import system_of
from bundler.target import Target
from bundler.trees.planned import PlannedTree
from bundler.trees.settled import Settled, altered, settle

if TYPE_CHECKING:
    from bundler.page.writing import PageFile


@dataclass(frozen=True, slots=True)
class Job:
    """What all attempts have in common."""

    environment: Environment
    destination: Destination
    options: PackOptions
    settings: PlanSettings
    memory: Memory
    progress: Progress
    earlier: Earlier
    """What earlier audits know."""
    opening: SinkOpening
    """Opens what is written to."""
    stage: Stage | None = None
    """Where an archive is tried before it is written; None where nothing is."""
    made_with: RecordedOptions | None = None
    """The options that made the bundle which is updated."""
    target: Target | None = None
    """The system that the bundle must run on."""
    page: PageFile | None = None
    """The page that is made of the bundle; None for none."""
    signer: Signer | None = None
    """What signs the bundle; None where nothing does."""
    notes: tuple[str, ...] = ()
    """What is to be said of the destination."""

    @property
    def sending(self) -> Sending:
        """What sends a plan to a sink."""
        return Sending(self.destination, self.signer, self.progress)

    @property
    def is_audited(self) -> bool:
        """Whether the bundle will be run and compared with the source."""
        on_disk = not isinstance(self.destination, ToStandardOutput)
        return self.options.verify and self.environment.probed and on_disk

    @property
    def assumed_failures(self) -> Mapping[str, str] | None:
        """What fails to import in the source, before anybody knows; None where nobody will.

        An audit that runs mostly finds that nothing does: so that is written, and only else put right.
        """
        return {} if self.is_audited and self.options.audit is AuditDepth.FULL else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it: the report, or None where another attempt is due, with the libraries `dlopened`."""

    dlopened: DlopenedLibraries
    report: PackReport | None = None
    altered: frozenset[str] = frozenset()
    """Files that the source's own modules changed when they were imported, by bundle path: the next attempt holds them."""


def first_guess(job: Job) -> DlopenedLibraries:
    """The libraries to begin with: those that an earlier pack knew.

    Nothing comes along by a guess that no audit will look at: what a pack makes does not depend on caches.
    """
    known = job.memory.dlopened.known if job.is_audited else {}
    system = system_of(job.environment.platform.system)
    return guess_dlopened(known, job.options.content.exclude_libs, system)


def attempt(job: Job, dlopened: DlopenedLibraries, held: frozenset[str] = frozenset(), *, is_last: bool) -> Attempt:
    """Pack with the libraries that are `dlopened`. Where the audit finds that it is others, nothing is left of it.

    An archive has the files that are `held` (bundle paths) as they are before anything is imported.
    """
    job.progress.phase("planning")
    opening = job.opening
    opening.again()
    settings = replace(job.settings, dlopened=tuple(dlopened.sonames))
    begin = _nothing if job.options.dry_run else opening.begin
    plan = _with_bills(make_plan(job.environment, settings, job.memory, begin), job)
    if job.signer is not None:
        check_key_stays(plan.entries, job.signer.key.path)
    if job.options.dry_run:
        _rehearse(job, plan)
        leaks = _leaks_without_audit(plan, job)
        manifest, size = foreseen(plan, job.assumed_failures)
        return Attempt(dlopened, report_of(plan, job, dlopened, manifest, size=size, leaks=leaks))
    if job.options.verify and isinstance(job.destination, ToFile):
        return _prove_then_write(plan, job, dlopened, opening, held, is_last=is_last)
    is_audited = job.options.verify and not isinstance(job.destination, ToStandardOutput)
    leaks = _leaks_without_audit(plan, job) if not is_audited else None
    sink = _open(opening, plan, job)
    assumed = job.assumed_failures
    written, manifest = job.sending.send(plan, sink, assumed)
    check_unchanged(plan.listings)
    job.memory.learn(plan.entries, written.digests, written.stamps)
    if not is_audited or written.place is None:
        return _placed(plan, job, dlopened, sink, manifest, written, leaks=leaks)
    proof, found = _prove(plan, job, dlopened, candidate_in(written.place, written.digests))
    if found is not None and not is_last:
        return Attempt(found)
    proof = _settled(proof, job, dlopened)
    if isinstance(job.destination, InPlace) and proof.audit.faults:
        return Attempt(dlopened, report_of(plan, job, dlopened, manifest, written, proof))
    if proof.import_failures != assumed:
        written, manifest = job.sending.send_again(plan, sink, written, proof.import_failures)
    return _placed(plan, job, dlopened, sink, manifest, written, proof)


def _prove_then_write(
    plan: Plan, job: Job, dlopened: DlopenedLibraries, opening: SinkOpening, held: frozenset[str], *, is_last: bool
) -> Attempt:
    """An archive: what it will hold is proved first, and then written, once.

    The run check needs a folder. Where there is something to be run, one is made beside the archive for that time.
    """
    assert isinstance(job.destination, ToFile) and job.stage is not None
    stage = job.stage
    # What cannot be written is refused at once.
    sink = opening.archive(archive_facts(plan, job.destination.form, job.options))
    settled = settle(plan.entries, held)
    check_unchanged(plan.listings)  # before modules are imported, which may write beside themselves
    notes = [f"{path} changes when modules are imported: it was packed as it was before" for path in sorted(held)]
    plan = replace(plan, entries=settled.entries, notes=(*plan.notes, *notes))
    candidate = _planned(plan, settled, job, stage)
    proof, found = _prove(plan, job, dlopened, candidate)
    if found is not None and not is_last:
        return Attempt(found)
    stage.clear()  # the archive may need the room
    proof = _settled(proof, job, dlopened)
    try:
        written, manifest = _send_settled(plan, settled, sink, proof, job)
    except OutputFailed:
        # Modules that write into their own folder do so each time that they are imported, in the source as well.
        was_run = proof.audit.run is not None and proof.audit.run.known < proof.audit.run.tried
        changed = altered(settled) if was_run and not is_last else frozenset()
        if not changed:
            raise
        return Attempt(dlopened, altered=changed)
    job.memory.learn(plan.entries, written.digests, written.stamps)
    return _placed(plan, job, dlopened, sink, manifest, written, proof)


def _send_settled(plan: Plan, settled: Settled, sink: Sink, proof: Proof, job: Job) -> Sent:
    """Write what was proved. Raises OutputFailed where it would be something else."""
    sent = job.sending.send(plan, sink, proof.import_failures)
    for path, digest in settled.digests.items():
        if sent.written.digests[path] != digest:
            raise OutputFailed(f"{path} changed while it was packed", "pack again when nothing writes to its source")
    return sent


def _prove(
    plan: Plan, job: Job, dlopened: DlopenedLibraries, candidate: Candidate
) -> tuple[Proof, DlopenedLibraries | None]:
    """The proof of a plan's bundle, and the libraries that another attempt is due with, if there is one."""
    job.progress.phase("verifying")
    packed = _packed(plan, job)
    proof = prove(candidate, packed, job.options.audit, job.earlier, runner_of(job.options.runner))
    return proof, found_dlopened(proof, plan.libraries, dlopened, job.options.content.include_libs)


def _packed(plan: Plan, job: Job) -> Packed:
    """What an audit has to know of a plan."""
    content = job.options.content
    return Packed(
        job.environment,
        plan.entries,
        plan.libraries,
        plan.left_out,
        content.leaves_packages_out,
        plan.published,
        content.leaks,
        content.allow_leaks,
        job.target,
    )


def _planned(plan: Plan, settled: Settled, job: Job, stage: Stage | None = None) -> Candidate:
    """What a plan, whose entries are `settled`, will hold; it can be run where there is a stage."""
    foreseen = write_manifest(manifest_of(plan, settled.digests, job.assumed_failures))
    entries = (*plan.entries, manifest_entry(plan, None)._replace(content=Literal(foreseen)))
    tree = PlannedTree(entries)

    def folder() -> str:
        assert stage is not None
        return stage.write(entries)

    return Candidate(tree, tree.open_file, folder, settled.digests)


def _leaks_without_audit(plan: Plan, job: Job) -> LeakReport | None:
    """What a plan that no audit looks at would give away, where somebody asks. Raises LeaksFound for what may not travel."""
    mode = job.options.content.leaks
    if mode not in (LeakMode.WARN, LeakMode.REFUSE):
        return None
    job.progress.phase("looking for leaks")
    settled = settle(plan.entries)
    plan = replace(plan, entries=settled.entries)
    leaks = find_leaks(_planned(plan, settled, job), _packed(plan, job), job.earlier)
    check_leaks(leaks, mode)
    return leaks


def _settled(proof: Proof, job: Job, dlopened: DlopenedLibraries) -> Proof:
    """The proof of the last attempt; what it found is noted for the next pack. Raises LeaksFound for what may not travel."""
    job.memory.dlopened.learn(dlopened.sonames)
    job.earlier.imports.keep()
    check_leaks(proof.leaks, job.options.content.leaks)
    return with_lost_libraries(proof)


def _with_bills(plan: Plan, job: Job) -> Plan:
    """The plan with the bills of materials that are asked for."""
    if not job.options.content.sbom:
        return plan
    from bundler.plan.bills import with_bills

    return with_bills(plan, job.options.content.sbom)


def _placed(
    plan: Plan,
    job: Job,
    dlopened: DlopenedLibraries,
    sink: Sink,
    manifest: Manifest,
    written: Written,
    proof: Proof | None = None,
    leaks: LeakReport | None = None,
) -> Attempt:
    """Put what was made in place, and what is written beside it; its page, where no fault was found.

    From then on it is done: who asks to stop comes too late, and nothing is told but that.
    """
    page = job.page if proof is None or not proof.audit.faults else None
    if page is not None and written.place is not None:
        job.progress.phase("making the page")
        page.make(written.place)
    with signals_wait():
        with placed_beside(plan, job.options, job.destination, written.digests) as notes:
            place = sink.place()
            if page is not None:
                page.place()
        hear_no_more()
    plan = replace(plan, notes=(*plan.notes, *notes))
    return Attempt(dlopened, report_of(plan, job, dlopened, manifest, written, proof, place=place, leaks=leaks))


def _nothing(_: Sequence[Entry]) -> None:
    """A dry run writes nothing ahead."""


def _rehearse(job: Job, plan: Plan) -> None:
    """Make the checks of a sink without one. Raises what it would raise."""
    from bundler.sinks.rehearsal import rehearse_archive, rehearse_directory

    if isinstance(job.destination, DirectoryDestination):
        rehearse_directory(job.destination, directory_facts(), cache=job.options.cache)
    else:
        facts = archive_facts(plan, job.destination.form, job.options)
        rehearse_archive(job.destination, job.options, facts)


def _open(opening: SinkOpening, plan: Plan, job: Job) -> Sink:
    """The sink for the plan's entries."""
    if isinstance(job.destination, DirectoryDestination):
        return opening.directory()
    return opening.archive(archive_facts(plan, job.destination.form, job.options))


def _named(audit: AuditReport, target: Target | None) -> AuditReport:
    """The report with the name of the target that the bundle was held against."""
    return audit if target is None else replace(audit, target=target.name)


def report_of(
    plan: Plan,
    job: Job,
    dlopened: DlopenedLibraries,
    manifest: Manifest,
    written: Written | None = None,
    proof: Proof | None = None,
    *,
    place: str | None = None,
    size: int | None = None,
    leaks: LeakReport | None = None,
) -> PackReport:
    """What was done, put together.

    `place` is where the bundle is now, None where nothing is left of it; `size` is what was foreseen where nothing was written, and
    `leaks` what was found without a proof.
    """
    kept = written if place is not None else None
    run = proof.audit.run if proof is not None else None
    return PackReport(
        out=place,
        format=format_name(job.destination),
        manifest=manifest,
        size=size if size is not None else written.size if written is not None else 0,
        warnings=(
            *(job.signer.warnings if job.signer is not None else ()),
            *plan.warnings,
            *(plan.traced.warnings if plan.traced else ()),
            *unmet(
                job.options.content.exclude_libs,
                plan.libraries,
                proof.loaded if proof is not None else None,
                plan.traced.opened if plan.traced is not None else (),
            ),
            *(job.page.warnings if kept is not None and job.page is not None else ()),
        ),
        modules_without_pyc=plan.modules_without_pyc,
        can_compile=plan.environment.probed,
        shared_files=kept.shared if kept is not None else 0,
        audit=_named(proof.audit, job.target) if proof is not None else None,
        target=job.target.name if job.target is not None else "",
        unfit=audit_plan(plan, job.target) if proof is None and job.target is not None else (),
        leaks=proof.leaks if proof is not None else leaks,
        notes=(
            *job.notes,
            *plan.notes,
            *(plan.traced.notes if plan.traced else ()),
            *dlopened.notes(run),
            *(kept.notes if kept is not None else ()),
        ),
        traced=plan.traced,
        updated=kept.updated if kept is not None else None,
        started_by=plan.started_by,
        top=job.options.top.strip("/"),
        savings=savings(
            plan.entries,
            manifest.files,
            plan.environment.scheme,
            job.settings.content,
            plan.libraries.bundled,
        ),
        page=job.page.path if job.page is not None else None,
        signature=signed_by(job.signer, job.destination, place) if job.signer and place is not None else None,
        changed_options=changed_options(job.made_with, plan.options) if job.made_with and plan.options else (),
    )
