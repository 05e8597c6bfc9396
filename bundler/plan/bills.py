"""The bills of materials of a plan: entries of the bundle, made when the digests of all others but `bundle.json` are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bundler.bundle_paths import follow
from bundler.entries import Deferred, Digests, Entry, Layer, Link, Literal, Source
from bundler.files import opened
from bundler.machine import os
from bundler.options import SbomFormat
from bundler.plan.make import Plan
from bundler.plan.manifest_entry import manifest_of
from bundler.plan.origins import BUNDLER
from bundler.plan.times import DEFAULT_EPOCH, source_date_epoch
from bundler.sbom import Read
from bundler.sbom.bill import BILL_PATHS, Bill, bill_of
from bundler.sbom.documents import write_bill

_BYTES = 1500  # about, of a component


def bill_time() -> int:
    """When bills are said to be made, in seconds since 1970: SOURCE_DATE_EPOCH, else that of everything in an archive.

    Raises BundlerError for a SOURCE_DATE_EPOCH that is no number.
    """
    epoch = source_date_epoch(os.environ)
    return DEFAULT_EPOCH if epoch is None else epoch


def with_bills(plan: Plan, forms: Sequence[SbomFormat]) -> Plan:
    """The plan with a bill in each of the forms. Raises BundlerError for a SOURCE_DATE_EPOCH that is no number."""
    if not forms:
        return plan
    created = bill_time()
    time = next(entry.mtime_ns for entry in plan.entries if entry.path == plan.environment.scheme.executable)
    size = _BYTES * (len(plan.environment.distributions) + len(plan.libraries.bundled))

    def maker(form: SbomFormat) -> Callable[[Digests], bytes]:
        return lambda digests: write_bill(planned_bill(plan, digests, created), form)

    bills = [
        Entry(BILL_PATHS[form], Deferred(maker(form), size), 0o644, time, Layer.APPLICATION, BUNDLER)
        for form in sorted(set(forms), key=lambda form: BILL_PATHS[form])
    ]
    return replace(plan, entries=(*plan.entries, *bills))


def planned_bill(plan: Plan, digests: Digests, created: int) -> Bill:
    """The bill of a plan's bundle; `digests` are those of all entries."""
    return bill_of(manifest_of(plan, digests, None), planned_files(plan.entries, digests), created)


def planned_files(entries: Sequence[Entry], digests: Digests) -> Read:
    """Gives the bytes of the file that an entry will be, at its bundle path, links followed."""
    by_path = {entry.path: entry for entry in entries}
    links: Mapping[str, str] = {
        entry.path: entry.content.target for entry in entries if isinstance(entry.content, Link)
    }

    def read(path: str) -> bytes | None:
        entry = by_path.get(follow(path, links) or path)
        match entry.content if entry is not None else None:
            case Source(place):
                with opened(place) as file:
                    return file.read()
            case Literal(data):
                return data
            case Deferred(make):
                return make(digests)
            case _:
                return None

    return read
