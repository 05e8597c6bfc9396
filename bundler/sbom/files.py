"""Binaries of a bundle, as `bundle.json` has them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bundler.bundle_paths import follow
from bundler.manifest import Manifest

_SHARED = re.compile(r"\.(so|dylib|dll)(\.|$)", re.IGNORECASE)


def is_library(path: str) -> bool:
    """Whether a bundle path has the name of a shared library."""
    return _SHARED.search(path.rpartition("/")[2]) is not None


def digests_of(paths: Iterable[str], manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """The SHA-256 of files with their bundle paths; of links those of what they lead to."""
    links = {path: fact.link for path, fact in manifest.files.items() if fact.link is not None}
    found = []
    for path in paths:
        fact = manifest.files.get(follow(path, links) or path)
        if fact is not None and fact.sha256:
            found.append((path, fact.sha256))
    return tuple(found)
