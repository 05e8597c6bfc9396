"""A bundle without symbolic links, for places that cannot hold them: what a link means takes its place."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.bundle_paths import follow, lies_in
from bundler.entries import Directory, Entry, Link


def without_links(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries with every link replaced by the file that it means, or by the folder with all that is in it.

    A link that leads nowhere, out of the bundle, or around in a circle, is dropped.
    """
    links = {path: entry.content.target for path, entry in entries.items() if isinstance(entry.content, Link)}
    result = {path: entry for path, entry in entries.items() if path not in links}
    for path in links:
        meant = follow(path, links)
        if meant is not None and meant in entries:
            _copy(meant, path, entries, links, result)
    return result


def _copy(
    source: str, path: str, entries: Mapping[str, Entry], links: Mapping[str, str], result: dict[str, Entry]
) -> None:
    """Put what is at `source` at `path` as well, with all below it."""
    result[path] = entries[source]._replace(path=path)
    if not isinstance(entries[source].content, Directory) or lies_in(path, source):
        return
    for below in [found for found in entries if found.startswith(source + "/")]:
        meant = follow(below, links) if below in links else below
        if meant is not None and meant in entries:
            target = path + below[len(source) :]
            if meant == below or not isinstance(entries[meant].content, Directory):
                result[target] = entries[meant]._replace(path=target)
