"""RECORD of every distribution that owns a changed, removed or added file: made when the digests are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bundler.entries import Deferred, Digests, Directory, Entry, Link, Source
from bundler.environment import Distribution, Environment
from bundler.machine import os
from bundler.plan.mounts import MountTable
from bundler.plan.origins import BUNDLER
from bundler.plan.overlay import Entries
from bundler.rewrite.record import rewrite_record
from bundler.rewrite.scripts import side_file_path


def plan_records(
    entries: Entries, environment: Environment, mounts: MountTable, added: Mapping[str, Sequence[str]]
) -> tuple[Entry, ...]:
    """Deferred entries for the RECORDs that must change.

    `added` are bundle paths of files and folders that a distribution owns anew, by the bundle path of its metadata.
    """
    pycs: dict[str, list[str]] = {}
    for path, entry in entries.items():
        if path.endswith(".pyc") and entry.origin == BUNDLER:
            folder, _, name = path.rpartition("/__pycache__/")
            pycs.setdefault(f"{folder}/{name.rsplit('.', 2)[0]}.py", []).append(path)
    return tuple(
        record
        for distribution in environment.distributions
        if (record := _plan_record(distribution, entries, mounts, added, pycs)) is not None
    )


def _plan_record(
    distribution: Distribution,
    entries: Entries,
    mounts: MountTable,
    added: Mapping[str, Sequence[str]],
    pycs: Mapping[str, Sequence[str]],
) -> Entry | None:
    """`pycs` are the compiled modules that are made anew, by their sources (bundle paths)."""
    metadata = mounts.bundle_path(distribution.metadata)
    entry, record = entries.get(f"{metadata}/RECORD"), distribution.files.record
    if metadata is None or record is None or entry is None or not isinstance(entry.content, Source):
        return None
    site_packages = os.path.dirname(metadata)
    rows = zip(record.paths, distribution.files.paths, strict=True)
    places = {row: _place_of(path, entries, mounts) for row, path in rows}
    owned = places.values()
    changed = frozenset(path for path in owned if path is not None and path in entries and _is_new(entries[path]))
    brought = {path for place in added.get(metadata, ()) for path in _files_below(place, entries)}
    brought |= {side for path in changed if (side := side_file_path(path)) in entries}
    compiled = {path for module in (*owned, *brought) if module for path in pycs.get(module, ())}
    new = tuple(sorted(brought | compiled))
    is_absolute = any(row.startswith("/") for row in record.paths)
    if not changed and not new and None not in owned and not is_absolute:
        return None

    def make(digests: Digests) -> bytes:
        return rewrite_record(
            record, site_packages=site_packages, resolve=places.get, added=new, digests=digests, changed=changed
        )

    return entry._replace(content=Deferred(make, entry.content.size), reason="rows of changed files made anew")


def _is_new(entry: Entry) -> bool:
    """Whether the file differs from what the source's RECORD knows."""
    return entry.reason is not None or entry.origin == BUNDLER


def _place_of(path: str, entries: Entries, mounts: MountTable) -> str | None:
    """The bundle path that a row means, whose file lies at an absolute path; None for a file that stays behind.

    A row of a file that the source lacks, too, keeps its path: it says no more and no less than before. But one that leads out of
    the environment goes, whether anything is there or not: on the target an uninstall would delete somebody's file.
    """
    inside = mounts.bundle_path(path)
    if inside is not None and inside in entries:
        return inside
    return None if os.path.lexists(path) else inside


def _files_below(place: str, entries: Entries) -> Iterator[str]:
    """The files at or below a bundle path."""
    for path, entry in entries.items():
        if (path == place or path.startswith(place + "/")) and not isinstance(entry.content, (Directory, Link)):
            yield path
