"""What a bundle of which nobody knows the source tells of its maker: by form alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from bundler.audit.leaking import leaks_of
from bundler.audit.reports import FoundLeak, LeakStatus
from bundler.audit.seen_files import Looking
from bundler.audit.tree import BundleTree
from bundler.bundle_paths import lies_in
from bundler.leaks.findings import NAMES, Trace
from bundler.leaks.rules import WORDS, AllowedLeaks
from bundler.leaks.scanner import Closeness, Search
from bundler.plan.origins import ADDED, PROJECT
from bundler.rewrite.record import parse_record, path_of_row
from bundler.trees import MANIFEST

BY_FORM = Looking(Search(), lambda _path: Closeness.LISTED)
"""Credentials in texts: what a binary holds by chance nobody could tell from them."""

# Folders of people, on the systems that have such.
_IN_A_HOME = re.compile(
    rb"(?<![\w.+/~-])(?:/home/|/Users/|[A-Za-z]:(?:/|\\{1,2})Users(?:/|\\{1,2}))(?!Shared\b)[\w.-]+[/\\]"
)


class _Records:
    """What the RECORDs of distributions from an index list, and what belongs to Python itself."""

    def __init__(self, tree: BundleTree) -> None:
        self._tree = tree

    def is_published(self, path: str, sha256: str) -> bool:
        """Whether a RECORD has this digest, or the file lies in the standard library."""
        python, fact = self._tree.manifest.python, self._tree.manifest.files.get(path)
        if fact is None or fact.origin.startswith((ADDED, PROJECT)):
            return False
        if lies_in(path, python.stdlib) and not any(lies_in(path, folder) for folder in python.site_packages):
            return True
        return self._digests.get(path) == sha256

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """By bundle path."""
        from packaging.utils import canonicalize_name

        found: dict[str, str] = {}
        unpublished = set(map(canonicalize_name, self._tree.manifest.unpublished))
        for path, seen in self._tree.files.items():
            metadata = path.removesuffix("/RECORD")
            if seen.text is None or metadata == path or not metadata.endswith(".dist-info"):
                continue
            folder, _, name = metadata.rpartition("/")
            if canonicalize_name(name.partition("-")[0]) not in unpublished:
                found |= {
                    path_of_row(row.path, folder): row.sha256 for row in parse_record(seen.text).rows if row.digest
                }
        return found


def leaks_by_form(tree: BundleTree) -> tuple[FoundLeak, ...]:
    """What was found in a bundle that was read `BY_FORM`."""
    options = tree.manifest.options
    patterns = options.values.get("allow-leak", ()) if options is not None else ()
    allowed = AllowedLeaks(patterns if isinstance(patterns, tuple) else ())
    return (*leaks_of(tree, _Records(tree), allowed).found, *_homes(tree, allowed))


def _homes(tree: BundleTree, allowed: AllowedLeaks) -> Iterator[FoundLeak]:
    """Files that configure the bundle, and name a folder in somebody's home: bundler writes none of these."""
    for path, seen in sorted(tree.every_file.items()):
        is_ours = path == MANIFEST or path in tree.manifest.files
        if seen.text is None or not is_ours or _IN_A_HOME.search(seen.text) is None:
            continue
        status = LeakStatus.ALLOWED if allowed.allows(path, WORDS[Trace.HOME]) else LeakStatus.OWN
        yield FoundLeak(path, WORDS[Trace.HOME], status, what=f"somebody's {NAMES[Trace.HOME]}")
