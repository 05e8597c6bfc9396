"""The pipeline: load the environment, make the plan, send its entries to a sink, audit the result, report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bundler.audit import AuditReport, LeakReport, check_imports_in_source, find_leaks, verify
from bundler.environment import Environment, load_environment
from bundler.errors import OutputFailed
from bundler.plan.making import Plan, PlanOptions, make_plan
from bundler.plan.entries import Patched, Source
from bundler.plan.manifest_entry import manifest_entry, manifest_of
from bundler.progress import Progress, Silent
from bundler.report import PackReport
from bundler.sinks import DIRECTORY, Written, format_of, open_sink
from bundler.sinks.copying import LinkMode
from bundler.sinks.extraction import extracted
from bundler.sinks.placement import replace_file


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How to pack. `threads` is the number of files written, or blocks compressed, at once."""

    plan: PlanOptions = field(default_factory=PlanOptions)
    force: bool = False
    link: LinkMode = LinkMode.AUTO
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    top: str = ""
    level: int | None = None
    verify: bool = True
    dry_run: bool = False


def pack(
    environment: str,
    out: str,
    options: PackOptions = PackOptions(),  # noqa: B008 - immutable
    progress: Progress = Silent(),  # noqa: B008 - immutable
) -> PackReport:
    """Pack the environment at `environment` into a bundle at `out`, whose suffix gives the format.

    Nothing is left at `out`, and what was there stays, where this raises BundlerError. Faults that the audit finds are
    in the report; the bundle is in place then.
    """
    progress.phase("reading the environment")
    loaded = load_environment(environment)
    check_output(loaded, out)
    progress.phase("planning")
    plan = make_plan(loaded, options.plan)
    if options.dry_run:
        return report_of(plan, None, format_of(out).name, None, {}, None)
    written = write(plan, out, options, progress, {})
    audit, failures = None, {}
    if options.verify:
        progress.phase("verifying")
        with extracted(written.path, options.top) as bundle:
            audit, failures, leaks = prove(bundle, plan)
        if failures:
            written = record_failures(plan, written, out, options, failures)
        return replace(report_of(plan, written, format_of(out).name, audit, failures, leaks))
    return report_of(plan, written, format_of(out).name, audit, failures, None)
