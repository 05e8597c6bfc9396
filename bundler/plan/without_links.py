"""A bundle without symbolic links, for places that cannot hold them: what a link means takes its place."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bundler.entries import Directory, Entry, Link
from bundler.plan.mounts import join

_MAX_LINKS = 40


def without_links(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries with every link replaced by the file that it means, or by the folder with all that is in it.

    A link that leads nowhere, or around in a circle, is dropped.
    """
    result = {path: entry for path, entry in entries.items() if not isinstance(entry.content, Link)}
    for path, entry in entries.items():
        if isinstance(entry.content, Link):
            meant = _meant(path, entries)
            if meant is not None:
                _copy(meant, path, entries, result)
    return result


def _meant(path: str, entries: Mapping[str, Entry]) -> str | None:
    """The path of the file or directory that a bundle path leads to, links in its folders followed; None for none."""
    for _ in range(_MAX_LINKS):
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            head = "/".join(parts[:end])
            entry = entries.get(head)
            if entry is not None and isinstance(entry.content, Link):
                target = os.path.normpath(join(os.path.dirname(head), entry.content.target))
                path = join(target, *parts[end:])
                break
        else:
            return path if path in entries else None
    return None


def _copy(source: str, path: str, entries: Mapping[str, Entry], result: dict[str, Entry]) -> None:
    """Put what is at `source` at `path` as well, with all below it."""
    result[path] = entries[source]._replace(path=path)
    if not isinstance(entries[source].content, Directory) or path.startswith(source + "/"):
        return
    for below in [found for found in entries if found.startswith(source + "/")]:
        meant = _meant(below, entries) if isinstance(entries[below].content, Link) else below
        if meant is not None:
            target = path + below[len(source) :]
            if meant == below or not isinstance(entries[meant].content, Directory):
                result[target] = entries[meant]._replace(path=target)
