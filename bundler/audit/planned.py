"""What keeps a plan's bundle from running on a target, where no audit will look at what is written: a dry run, standard output."""

from __future__ import annotations

from collections.abc import Iterator

from bundler.audit.seen_files import NOT_LOOKING
from bundler.audit.static import audit_static
from bundler.audit.tree import look_through
from bundler.entries import Deferred, Digest, Directory, Entry, Link, Literal, size_of
from bundler.faults import Fault, FaultKind
from bundler.machine import os
from bundler.manifest import write_manifest
from bundler.plan.make import Plan
from bundler.plan.manifest_entry import manifest_entry, manifest_of
from bundler.systems import system_of
from bundler.target import Target
from bundler.trees import MANIFEST
from bundler.trees.planned import PlannedTree

_NO_DIGEST = bytes(32)


def audit_plan(plan: Plan, target: Target) -> tuple[Fault, ...]:
    """The faults of the kind TARGET that the audit of the bundle would have. Only binaries and what installers left are read."""
    system = system_of(plan.environment.platform.system)
    no_binary = system.no_binary_suffix
    entries = [entry for entry in _settled(plan) if _is_looked_at(entry) or not no_binary.search(entry.path)]
    tree = look_through(PlannedTree(entries), NOT_LOOKING, with_symbols=True)
    assert tree is not None, "the manifest is among them"
    return tuple(fault for fault in audit_static(tree, system, target).faults if fault.kind is FaultKind.TARGET)


def _is_looked_at(entry: Entry) -> bool:
    return isinstance(entry.content, (Directory, Link)) or os.path.basename(entry.path) in (MANIFEST, "RECORD", "WHEEL")


def _settled(plan: Plan) -> Iterator[Entry]:
    """The entries with what is made of digests, though these are nobody's, and `bundle.json`."""
    digests: dict[str, Digest] = {}
    for entry in plan.entries:
        content = entry.content
        if isinstance(content, Deferred):
            content = Literal(content.make(digests))
        if not isinstance(content, (Directory, Link)):
            digests[entry.path] = Digest(_NO_DIGEST, size_of(content))
        yield entry._replace(content=content)
    last = manifest_entry(plan, None)
    yield last._replace(content=Literal(write_manifest(manifest_of(plan, digests, None))))
