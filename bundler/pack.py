"""The pipeline: load the environment, make the plan, send its entries to a sink, audit the result, report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bundler.errors import OutputFailed
from bundler.options import PackOptions
from bundler.progress import Progress, Silent

if TYPE_CHECKING:
    from bundler.audit.proof import Proof
    from bundler.environment import Environment
    from bundler.plan.making import Plan
    from bundler.report import PackReport
    from bundler.sinks import Written


def pack(
    environment: str,
    out: str,
    options: PackOptions = PackOptions(),  # noqa: B008 - immutable
    progress: Progress = Silent(),  # noqa: B008 - immutable
) -> PackReport:
    """Pack the environment at `environment` into a bundle at `out`, whose suffix gives the format.

    Where this raises BundlerError nothing is left at `out`, and what was there stays. Faults that the audit finds are in
    the report; the bundle is in place then.
    """
    from bundler.audit.proof import prove
    from bundler.environment import load_environment
    from bundler.plan.making import make_plan

    progress.phase("reading the environment")
    loaded = load_environment(environment)
    check_output(loaded, out)
    progress.phase("planning")
    plan = make_plan(loaded, options.plan)
    if options.dry_run:
        return report(plan, out, None, None)
    written = write(plan, out, options, progress, {})
    if not options.verify:
        return report(plan, out, written, None)
    progress.phase("verifying")
    proof = prove(written.path, loaded)
    if proof.import_failures:
        written = record_failures(plan, written, out, options, proof.import_failures)
    return report(plan, out, written, proof)


def check_output(environment: Environment, out: str) -> None:
    """Refuse an output inside of what is packed, or around it. Raises OutputFailed."""
    target = os.path.realpath(out)
    for source in (os.path.realpath(environment.root), environment.interpreter.stdlib):
        if target == source or target.startswith(source + "/") or source.startswith(target + "/"):
            raise OutputFailed(f"{out} and {source}, which is packed, lie one in the other", "choose another --out")


def write(
    plan: Plan, out: str, options: PackOptions, progress: Progress, import_failures: Mapping[str, str]
) -> Written:
    """Send every entry of the plan, and `bundle.json`, to the sink for `out`."""
    from bundler.plan.entries import Source
    from bundler.plan.manifest_entry import manifest_entry
    from bundler.sinks import open_sink

    progress.phase("writing")
    progress.total(plan.size)
    with open_sink(out, options) as sink:
        for entry in (*plan.entries, manifest_entry(plan, import_failures)):
            sink.add(entry)
            if isinstance(entry.content, Source):
                progress.advance(entry.content.size)
        return sink.finish()


def record_failures(
    plan: Plan, written: Written, out: str, options: PackOptions, failures: Mapping[str, str]
) -> Written:
    """Write into `bundle.json` that the source cannot import these modules either; an archive is written anew for it."""
    from bundler.plan.manifest_entry import manifest_entry
    from bundler.sinks.directory import replace_entry

    if os.path.isdir(written.path):
        replace_entry(written.path, manifest_entry(plan, failures), written.digests)
        return written
    return write(plan, out, replace(options, force=True), Silent(), failures)


def report(plan: Plan, out: str, written: Written | None, proof: Proof | None) -> PackReport:
    """What was done, put together."""
    from bundler.plan.manifest_entry import manifest_of
    from bundler.report import PackReport
    from bundler.sinks import format_of

    failures = proof.import_failures if proof is not None else {}
    manifest = manifest_of(plan, written.digests if written is not None else {}, failures)
    return PackReport(
        out=written.path if written is not None else None,
        format=format_of(out).name,
        manifest=manifest,
        size=written.size if written is not None else plan.size,
        warnings=plan.warnings,
        modules_without_pyc=plan.modules_without_pyc,
        shared_files=written.shared if written is not None else 0,
        audit=proof.audit if proof is not None else None,
        leaks=proof.leaks if proof is not None else None,
    )
