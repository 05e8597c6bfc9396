"""Files of a person's own tools that lie in an environment (`.netrc`, `.ssh/`, a shell's history): no bundle needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from bundler.bundle_paths import parents
from bundler.entries import Directory, Link, Source
from bundler.leaks.findings import Trace
from bundler.leaks.rules import WORDS, AllowedLeaks
from bundler.leaks.stores import is_of_tools
from bundler.options import ContentOptions, LeakMode
from bundler.plan.origins import ENVIRONMENT
from bundler.plan.overlay import Entries
from bundler.plan.owners import Owners


def may_keep(content: ContentOptions) -> Callable[[str], bool]:
    """Whether the credentials in a file may travel, by bundle path."""
    if content.leaks is LeakMode.ALLOW:
        return lambda _path: True
    allowed = AllowedLeaks(content.allow_leaks)
    return lambda path: allowed.allows(path, WORDS[Trace.CREDENTIAL], "password-in-url")


def private_files(
    entries: Entries, owners: Owners, content: ContentOptions, *, in_place: bool = False
) -> frozenset[str]:
    """The bundle paths of those that no distribution lists and that may not pass, and of folders that hold nothing else.

    None `in_place`, where they would be lost.
    """
    if content.leaks is LeakMode.ALLOW or in_place:
        return frozenset()
    allowed = AllowedLeaks(content.allow_leaks)
    files = {
        path
        for path, entry in entries.items()
        if is_of_tools(path)
        and isinstance(entry.content, Source | Link)
        and entry.origin.startswith(ENVIRONMENT)
        and owners.owner(path) is None
        and not allowed.allows(path, WORDS[Trace.CREDENTIAL])
    }
    if not files:
        return frozenset()
    kept = {
        parent
        for path, entry in entries.items()
        if path not in files and not isinstance(entry.content, Directory)
        for parent in parents(path)
    }
    return frozenset(files | {parent for path in files for parent in parents(path)} - kept)


def told(private: Collection[str], entries: Entries) -> list[str]:
    """A warning for each file."""
    files = sorted(path for path in private if not isinstance(entries[path].content, Directory))
    return [f"{path}, a file of a person's own tools, stays out (--allow-leak takes it along)" for path in files]
