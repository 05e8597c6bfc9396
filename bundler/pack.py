"""The pipeline: load the environment, make the plan, send its entries to a sink, audit the result, report."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bundler.errors import BundlerError, OutputFailed
from bundler.options import EditableMode, PackOptions, PlanOptions, Pyc
from bundler.progress import Progress, Silent

if TYPE_CHECKING:
    from bundler.audit.against_source import Proof
    from bundler.audit.dlopened import OpenedLibraries
    from bundler.entries import Entry
    from bundler.environment import Environment
    from bundler.memory import Memory
    from bundler.plan.make import Plan
    from bundler.plan.manifest_entry import ManifestMaker
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

    if options.in_place:
        options = in_place(environment, options)
    progress.phase("reading the environment")
    loaded = load_environment(environment, options.root, run=options.probe, meanwhile=_load_what_comes_next)
    from bundler.audit.dlopened import OpenedLibraries, guess_opened
    from bundler.memory import NO_MEMORY, open_memory
    from bundler.memory.compiled import pyc_cache_folder
    from bundler.sinks.archives.output import STANDARD_OUTPUT
    from bundler.systems import system_of

    decided = decide(options, out, loaded)
    check_output(loaded, out, options)
    with ExitStack() as held:
        if decided.pyc is Pyc.COMPILE:
            decided = replace(decided, pyc_cache=held.enter_context(pyc_cache_folder(use=options.cache)))
        if decided.editable is EditableMode.BUILD:
            from bundler.plan.editables.building import build_folder

            decided = replace(decided, build_folder=held.enter_context(build_folder()))
        memory = open_memory(loaded.root) if options.cache and not options.in_place else NO_MEMORY
        # Nothing comes along by a guess that no audit will look at: what a pack makes does not depend on caches.
        audited = options.verify and loaded.probed and out != STANDARD_OUTPUT
        system = system_of(loaded.platform.system)
        opened = guess_opened(memory.opened.known if audited else {}, decided.exclude_libs, system)
        while True:
            done = pack_once(loaded, out, options, decided, memory, opened, progress)
            if not isinstance(done, OpenedLibraries):
                notes = opened.notes(done.audit.run if done.audit is not None else None)
                return replace(done, notes=(*done.notes, *notes))
            opened = done


def pack_once(
    environment: Environment,
    out: str,
    options: PackOptions,
    decided: PlanOptions,
    memory: Memory,
    opened: OpenedLibraries,
    progress: Progress,
) -> PackReport | OpenedLibraries:
    """Pack with the libraries that are `opened`. Where the audit finds that it is others, nothing is done: these."""
    from bundler.plan.make import make_plan
    from bundler.plan.manifest_entry import ManifestMaker
    from bundler.sinks.formats import open_sink

    progress.phase("planning")
    with _Opening(out, options) as opening:
        libraries = (*decided.include_libs, *opened.sonames)
        plan = make_plan(environment, replace(decided, include_libs=libraries), memory, opening.begin)
        manifest = ManifestMaker(plan, {})
        if options.dry_run:
            return report(plan, out, options, manifest, None, None)
        sink = opening.sink(plan)
        written = send(plan, sink, manifest, progress)
        memory.learn(plan.entries, written.digests, written.stamps)
        if not options.verify or not written.path:
            return report(plan, sink.place(), options, manifest, written, None)
        from bundler.audit.against_source import Packed, prove
        from bundler.audit.dlopened import found_opened

        progress.phase("verifying")
        proof = prove(written.path, Packed(environment, plan.entries, plan.libraries))
        found = found_opened(proof, plan.libraries, opened, options.plan.include_libs)
        if found is not None:
            return found
        memory.opened.learn(opened.sonames)
        if options.in_place and proof.audit.faults:
            return report(plan, out, options, manifest, None, proof)
        if not proof.import_failures:
            return report(plan, sink.place(), options, manifest, written, proof)
        manifest = ManifestMaker(plan, proof.import_failures)
        if amended(written, manifest):
            return report(plan, sink.place(), options, manifest, written, proof)
    # An archive is written anew to tell in `bundle.json` what the source cannot import either.
    with open_sink(out, options, plan) as sink:
        written = send(plan, sink, manifest, Silent())
        return report(plan, sink.place(), options, manifest, written, proof)


class _Opening:
    """The sink of a pack: a directory's is opened and begun while the plan is still being made, another's when it is there."""

    def __init__(self, out: str, options: PackOptions) -> None:
        self._out = out
        self._options = options
        self._held = ExitStack()
        self._sink: Sink | None = None

    def __enter__(self) -> _Opening:
        return self

    def __exit__(self, *error: Any) -> None:
        self._held.__exit__(*error)

    def begin(self, files: Sequence[Entry]) -> None:
        """Open a directory, and let it begin with these files."""
        from bundler.sinks.formats import DIRECTORY_FORMAT, format_of

        if not self._options.dry_run and format_of(self._out, self._options.format) is DIRECTORY_FORMAT:
            self._open(None).begin(files)

    def sink(self, plan: Plan) -> Sink:
        """What the plan's entries go to."""
        return self._sink or self._open(plan)

    def _open(self, plan: Plan | None) -> Sink:
        from bundler.sinks.formats import open_sink

        self._sink = self._held.enter_context(open_sink(self._out, self._options, plan))
        return self._sink


def _load_what_comes_next() -> None:
    """Import the modules of planning and writing while the environment's interpreter is asked."""
    from bundler.plan.binaries import load_planner
    from bundler.platforms import OperatingSystem

    for module in ("plan.make", "plan.manifest_entry", "sinks.formats", "sinks.directories.directory"):
        import_module(f"bundler.{module}")
    load_planner(OperatingSystem(sys.platform))


def in_place(environment: str, options: PackOptions) -> PackOptions:
    """The options of a pack in place, after what an earlier one left undone is settled. Raises OutputFailed."""
    from bundler.sinks.directories.in_place import recover

    if options.update or options.format not in (None, "directory") or options.root != "/":
        raise OutputFailed("--in-place goes with neither --update, --root nor an archive's --format", "use --out")
    if not options.dry_run:
        recover(environment)
    return replace(options, format="directory")


def decide(options: PackOptions, out: str, environment: Environment) -> PlanOptions:
    """The plan's options, with what the format and the environment decide where the user did not.

    Archives have times of their own: SOURCE_DATE_EPOCH, else a fixed one; those of the sources only where the compiled modules
    stay as they are. Only an interpreter that is run can compile; else the compiled modules stay. Raises BundlerError where it
    is asked to and is not run.
    """
    from bundler.plan.times import DEFAULT_EPOCH, source_date_epoch
    from bundler.sinks.formats import DIRECTORY_FORMAT, format_of

    archive = format_of(out, options.format) is not DIRECTORY_FORMAT
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


def check_output(environment: Environment, out: str, options: PackOptions) -> None:
    """Refuse an output inside of what is packed, or around it. Raises OutputFailed."""
    from bundler.sinks.directories.in_place import check_in_place

    if options.in_place:
        check_in_place(environment)
        return
    target = os.path.realpath(out)
    for source in (os.path.realpath(environment.root), environment.interpreter.stdlib):
        if target == source or target.startswith(source + "/") or source.startswith(target + "/"):
            raise OutputFailed(f"{out} and {source}, which is packed, lie one in the other", "choose another --out")


def send(plan: Plan, sink: Sink, manifest: ManifestMaker, progress: Progress) -> Written:
    """Send every entry of the plan, and `bundle.json`, to the sink."""

    progress.phase("writing")
    progress.total(plan.size)
    sink.advance = progress.advance
    for entry in (*plan.entries, manifest.entry):
        sink.add(entry)
    return sink.finish()


def amended(written: Written, manifest: ManifestMaker) -> bool:
    """Write a directory's `bundle.json` anew; False for an archive."""
    from bundler.sinks.directories.directory import replace_entry

    if not os.path.isdir(written.path):
        return False
    replace_entry(written.path, manifest.entry, written.digests)
    return True


def report(
    plan: Plan, out: str, options: PackOptions, manifest: ManifestMaker, written: Written | None, proof: Proof | None
) -> PackReport:
    """What was done, put together."""
    from bundler.report import PackReport
    from bundler.sinks.formats import format_of

    return PackReport(
        out=out if written is not None else None,
        format=format_of(out, options.format).name,
        manifest=manifest.manifest,
        size=written.size if written is not None else plan.size,
        warnings=plan.warnings,
        modules_without_pyc=plan.modules_without_pyc,
        shared_files=written.shared if written is not None else 0,
        audit=proof.audit if proof is not None else None,
        leaks=proof.leaks if proof is not None else None,
        notes=plan.notes,
        updated=written.updated if written is not None else None,
    )
