"""RECORD of every distribution that owns a changed, removed or added file: made when the digests are known."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from bundler.entries import Deferred, Digests, Directory, Entry, Link, Source
from bundler.environment import Distribution, Environment
from bundler.plan.mounts import MountTable
from bundler.rewrite.record import owned_paths, rewrite_record
from bundler.rewrite.scripts import side_file_path

BUNDLER = "bundler"
"""The origin of what bundler makes itself."""


def plan_records(
    entries: Mapping[str, Entry], environment: Environment, mounts: MountTable, added: Mapping[str, Sequence[str]]
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
    entries: Mapping[str, Entry],
    mounts: MountTable,
    added: Mapping[str, Sequence[str]],
    pycs: Mapping[str, Sequence[str]],
) -> Entry | None:
    """`pycs` are the compiled modules that are made anew, by their sources (bundle paths)."""
    metadata = mounts.bundle_path(distribution.metadata)
    record = entries.get(f"{metadata}/RECORD")
    if metadata is None or record is None or not isinstance(record.content, Source):
        return None
    with open(record.content.path, "rb") as file:
        data = file.read()
    site_packages = os.path.dirname(metadata)
    resolve = _resolver(os.path.dirname(distribution.metadata), entries, mounts)
    owned = [resolve(path) for path in owned_paths(data)]
    changed = frozenset(path for path in owned if path is not None and path in entries and _is_new(entries[path]))
    brought = {path for place in added.get(metadata, ()) for path in _files_below(place, entries)}
    brought |= {side for path in changed if (side := side_file_path(path)) in entries}
    compiled = {path for module in (*owned, *brought) if module for path in pycs.get(module, ())}
    new = tuple(sorted(brought | compiled - set(owned)))
    if not changed and not new and None not in owned:
        return None

    def make(digests: Digests) -> bytes:
        return rewrite_record(
            data, site_packages=site_packages, resolve=resolve, added=new, digests=digests, changed=changed
        )

    return record._replace(content=Deferred(make), reason="rows of changed files made anew")


def _is_new(entry: Entry) -> bool:
    """Whether the file differs from what the source's RECORD knows."""
    return entry.reason is not None or entry.origin == BUNDLER


def _resolver(folder: str, entries: Mapping[str, Entry], mounts: MountTable) -> Callable[[str], str | None]:
    """From a row's path to a bundle path; None for a file that was there and stays behind.

    A row of a file that the source lacks, too, keeps its path: it says no more and no less than before.
    """

    def resolve(row: str) -> str | None:
        plain = row[:1] not in ("/", ".", "") and "//" not in row and "/." not in row
        path = f"{folder}/{row}" if plain else os.path.normpath(os.path.join(folder, row))
        inside = mounts.bundle_path(path)
        if inside is not None and inside in entries:
            return inside
        if os.path.lexists(path):
            return None
        return inside or row

    return resolve


def _files_below(place: str, entries: Mapping[str, Entry]) -> Iterator[str]:
    """The files at or below a bundle path."""
    for path, entry in entries.items():
        if (path == place or path.startswith(place + "/")) and not isinstance(entry.content, (Directory, Link)):
            yield path
