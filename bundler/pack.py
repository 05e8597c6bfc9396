"""The pipeline: load the environment, make the plan, send its entries to a sink, audit the result, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from bundler.bundle_paths import lies_in
from bundler.destination import (
    Destination,
    DirectoryDestination,
    InPlace,
    ToDirectory,
    ToFile,
    ToStandardOutput,
    destination_of,
    format_name,
)
from bundler.errors import BundlerError, OutputFailed
from bundler.options import EditableMode, PackOptions, PlanOptions, Pyc
from bundler.progress import Progress, Silent

if TYPE_CHECKING:
    from bundler.audit.against_source import Proof
    from bundler.audit.dlopened import OpenedLibraries
    from bundler.entries import Entry
    from bundler.environment import Environment
    from bundler.manifest import Manifest
    from bundler.memory import Memory
    from bundler.plan.make import Plan
    from bundler.report import PackReport
    from bundler.sinks import Sink, Written


def pack(
    environment: str,
    out: str,
    options: PackOptions = PackOptions(),  # noqa: B008 - immutable
    progress: Progress = Silent(),  # noqa: B008 - immutable
) -> PackReport:
    """Pack the environment at `environment` into a bundle at `out`, whose suffix gives the format.

    Where this raises BundlerError nothing is left at `out`, and what was there stays. Faults that the audit finds are in
    the report; the bundle is in place then, but for a pack in place (`out` is the environment), which leaves the environment as it
    was.
    """
    from bundler.environment import load_environment

    destination = destination_of(out, options)
    if isinstance(destination, InPlace) and not options.dry_run:
        from bundler.sinks.directories.in_place import recover

        recover(environment)
    progress.phase("reading the environment")
    loaded = load_environment(environment, options.root, run=options.probe, meanwhile=_load_what_comes_next)
    from bundler.audit.dlopened import OpenedLibraries, guess_opened
    from bundler.memory import NO_MEMORY, open_memory
    from bundler.memory.compiled import pyc_cache_folder
    from bundler.systems import system_of

    decided = decide(options, destination, loaded)
    check_output(loaded, destination)
    with ExitStack() as held:
        if decided.pyc is Pyc.COMPILE:
            decided = replace(decided, pyc_cache=held.enter_context(pyc_cache_folder(use=options.cache)))
        if decided.editable is EditableMode.BUILD:
            from bundler.plan.editables.building import build_folder

            decided = replace(decided, build_folder=held.enter_context(build_folder()))
        memory = open_memory(loaded.root) if options.cache and not options.in_place else NO_MEMORY
        # Nothing comes along by a guess that no audit will look at: what a pack makes does not depend on caches.
        audited = options.verify and loaded.probed and not isinstance(destination, ToStandardOutput)
        system = system_of(loaded.platform.system)
        opened = guess_opened(memory.opened.known if audited else {}, decided.exclude_libs, system)
        while True:
            done = pack_once(loaded, destination, options, decided, memory, opened, progress)
            if not isinstance(done, OpenedLibraries):
                notes = opened.notes(done.audit.run if done.audit is not None else None)
                return replace(done, notes=(*done.notes, *notes))
            opened = done


def pack_once(
    environment: Environment,
    destination: Destination,
    options: PackOptions,
    decided: PlanOptions,
    memory: Memory,
    opened: OpenedLibraries,
    progress: Progress,
) -> PackReport | OpenedLibraries:
    """Pack with the libraries that are `opened`. Where the audit finds that it is others, nothing is done: these."""
    from bundler.plan.make import make_plan
    from bundler.plan.manifest_entry import manifest_entry, manifest_of

    progress.phase("planning")
    with _Opening(destination, options, progress) as opening:
        libraries = (*decided.include_libs, *opened.sonames)
        plan = make_plan(environment, replace(decided, include_libs=libraries), memory, opening.begin)
        if options.dry_run:
            return report(plan, destination, None, manifest_of(plan, {}, None), None, None)
        sink = opening.sink(plan)
        # An audit that runs mostly finds that nothing fails in the source: so it is written, and only else put right.
        assumed: Mapping[str, str] | None = {} if options.verify and environment.probed else None
        written, manifest = send(plan, sink, assumed, progress)
        memory.learn(plan.entries, written.digests, written.stamps)
        if not options.verify or written.place is None:
            return report(plan, destination, sink.place(), manifest, written, None)
        from bundler.audit.against_source import Packed, prove
        from bundler.audit.dlopened import found_opened

        progress.phase("verifying")
        proof = prove(written.place, Packed(environment, plan.entries, plan.libraries))
        found = found_opened(proof, plan.libraries, opened, options.plan.include_libs)
        if found is not None:
            return found
        memory.opened.learn(opened.sonames)
        if isinstance(destination, InPlace) and proof.audit.faults:
            return report(plan, destination, None, manifest, written, proof)
        if proof.import_failures == assumed:
            return report(plan, destination, sink.place(), manifest, written, proof)
        if sink.replace(manifest_entry(plan, proof.import_failures)):
            manifest = manifest_of(plan, written.digests, proof.import_failures)
            return report(plan, destination, sink.place(), manifest, written, proof)
    # An archive is written anew to tell in `bundle.json` what the source cannot import either.
    with _Opening(destination, options, Silent()) as opening:
        sink = opening.sink(plan)
        written, manifest = send(plan, sink, proof.import_failures, Silent())
        return report(plan, destination, sink.place(), manifest, written, proof)


class _Opening:
    """The sink of a pack: a directory's is opened and begun while the plan is still being made, another's when it is there."""

    def __init__(self, destination: Destination, options: PackOptions, progress: Progress) -> None:
        self._destination = destination
        self._options = options
        self._progress = progress
        self._held = ExitStack()
        self._sink: Sink | None = None

    def __enter__(self) -> _Opening:
        return self

    def __exit__(self, *error: Any) -> None:
        self._held.__exit__(*error)

    def begin(self, files: Sequence[Entry]) -> None:
        """Open a directory, and let it begin with these files."""
        if isinstance(self._destination, DirectoryDestination) and not self._options.dry_run:
            self._directory(self._destination).begin(files)

    def sink(self, plan: Plan) -> Sink:
        """What the plan's entries go to."""
        if isinstance(self._destination, DirectoryDestination):
            return self._sink or self._directory(self._destination)
        from bundler.plan.output import archive_facts
        from bundler.sinks.opening import open_archive_sink

        facts = archive_facts(plan, self._destination.form, self._options)
        return self._held.enter_context(
            open_archive_sink(self._destination, self._options, facts, self._progress.advance)
        )

    def _directory(self, destination: DirectoryDestination) -> Sink:
        from bundler.plan.output import directory_facts
        from bundler.sinks.opening import open_directory_sink

        self._sink = self._held.enter_context(
            open_directory_sink(destination, self._options, directory_facts(), self._progress.advance)
        )
        return self._sink


def _load_what_comes_next() -> None:
    """Import the modules of planning and writing while the environment's interpreter is asked."""
    from bundler.plan.binaries import load_planner
    from bundler.platforms import OperatingSystem

    for module in ("plan.make", "plan.output", "sinks.opening", "sinks.directories.directory"):
        import_module(f"bundler.{module}")
    load_planner(OperatingSystem(sys.platform))


def decide(options: PackOptions, destination: Destination, environment: Environment) -> PlanOptions:
    """The plan's options, with what the format and the environment decide where the user did not.

    Archives have times of their own: SOURCE_DATE_EPOCH, else a fixed one; those of the sources only where the compiled modules
    stay as they are. Only an interpreter that is run can compile; else the compiled modules stay. Raises BundlerError where it
    is asked to and is not run.
    """
    from bundler.plan.times import DEFAULT_EPOCH, source_date_epoch

    archive = not isinstance(destination, DirectoryDestination)
    pyc = options.pyc or (Pyc.COMPILE if archive and environment.probed else Pyc.KEEP)
    if not environment.probed:
        check_nothing_runs(environment, pyc, options.plan.editable)
    epoch = None
    if archive:
        epoch = source_date_epoch()
        if epoch is None and pyc is not Pyc.KEEP:
            epoch = DEFAULT_EPOCH
    return replace(options.plan, pyc=pyc, epoch=epoch, threads=options.threads, in_place=options.in_place)


def check_nothing_runs(environment: Environment, pyc: Pyc, editable: EditableMode) -> None:
    """Refuse what would run the environment's Python. Raises BundlerError."""
    why = f"needs to run {environment.python}, and nothing of this environment is run here"
    if pyc is Pyc.COMPILE:
        raise BundlerError(
            f"--pyc compile {why}",
            "use --pyc keep or --pyc none; on its own machine: bin/python -m compileall --invalidation-mode unchecked-hash lib",
        )
    if editable is EditableMode.BUILD:
        raise BundlerError(f"--editable build {why}", "use --editable copy, or install wheels into the environment")


def check_output(environment: Environment, destination: Destination) -> None:
    """Refuse an output inside of what is packed, or around it, and in place of more than an environment. Raises OutputFailed."""
    match destination:
        case InPlace():
            _check_in_place(environment)
        case ToDirectory(path) | ToFile(path):
            target = os.path.realpath(path)
            for source in (os.path.realpath(environment.root), environment.interpreter.stdlib):
                if lies_in(target, source) or lies_in(source, target):
                    raise OutputFailed(
                        f"{path} and {source}, which is packed, lie one in the other", "choose another --out"
                    )


def _check_in_place(environment: Environment) -> None:
    from bundler.environment import EnvironmentKind
    from bundler.sinks.placement import is_bundle

    if environment.kind is not EnvironmentKind.VENV and not is_bundle(environment.root):
        raise OutputFailed(
            f"{environment.root} is no virtual environment: what else lies in it would be lost",
            "use --out; --in-place is for virtual environments and bundles",
        )


class Sent(NamedTuple):
    """What a sink wrote, and what it was told to write into `bundle.json`."""

    written: Written
    manifest: Manifest


def send(plan: Plan, sink: Sink, import_failures: Mapping[str, str] | None, progress: Progress) -> Sent:
    """Send every entry of the plan, and `bundle.json`, to the sink. `import_failures` are what the source cannot import either."""
    from bundler.plan.manifest_entry import manifest_entry

    progress.phase("writing")
    progress.total(plan.size)
    manifests: list[Manifest] = []
    for entry in (*plan.entries, manifest_entry(plan, import_failures, manifests.append)):
        sink.add(entry)
    return Sent(sink.finish(), manifests[-1])


def report(
    plan: Plan,
    destination: Destination,
    place: str | None,
    manifest: Manifest,
    written: Written | None,
    proof: Proof | None,
) -> PackReport:
    """What was done, put together; `place` is where the bundle is now, None where nothing is left of it."""
    from bundler.report import PackReport

    kept = written if place is not None else None
    return PackReport(
        out=place,
        format=format_name(destination),
        manifest=manifest,
        size=kept.size if kept is not None else plan.size,
        warnings=plan.warnings,
        modules_without_pyc=plan.modules_without_pyc,
        shared_files=kept.shared if kept is not None else 0,
        audit=proof.audit if proof is not None else None,
        leaks=proof.leaks if proof is not None else None,
        notes=plan.notes,
        updated=kept.updated if kept is not None else None,
    )
