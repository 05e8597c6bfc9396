"""Bundler in the environment that it packs: it was installed there to pack, and mostly nobody wants it in the bundle."""

from __future__ import annotations

import re
import shlex

from bundler.environment import Distribution, Environment
from bundler.files import read_regular
from bundler.machine import os
from bundler.plan.application import StartCommand
from bundler.plan.overlay import Entries
from bundler.plan.owners import Owners

_NAME = "relocatable-bundler"
_REQUIRED = re.compile(r"^Requires-Dist:\s*relocatable[-_.]+bundler\b(?!.*\bextra\s*==)", re.IGNORECASE | re.MULTILINE)


def check_itself(
    entries: Entries, environment: Environment, owners: Owners, start: StartCommand | None
) -> tuple[str, ...]:
    """A warning where bundler comes along and nothing asks for it, with the words that leave it out."""
    from packaging.utils import canonicalize_name

    for distribution in environment.distributions:
        if canonicalize_name(distribution.name) != _NAME:
            continue
        patterns = _patterns(entries, environment, owners.files(distribution))
        wanted = start is not None and owners.owner(start.subject) == distribution
        if patterns and not wanted and not any(map(_requires_it, environment.distributions)):
            words = " ".join(f"--exclude {shlex.quote(pattern)}" for pattern in patterns)
            return (f"bundler itself comes along, for it is installed in the environment; to leave it out: {words}",)
    return ()


def _patterns(entries: Entries, environment: Environment, files: tuple[str, ...]) -> list[str]:
    """What leaves these files out: whole folders among the packages, and each file elsewhere."""
    folders = {path: environment.scheme.package_of(path) for path in files if path in entries}
    return sorted({f"/{folder}/" if folder else f"/{path}" for path, folder in folders.items()})


def _requires_it(distribution: Distribution) -> bool:
    try:
        metadata = read_regular(os.path.join(distribution.metadata, "METADATA"))
        return _REQUIRED.search(metadata.decode("utf-8", "replace")) is not None
    except OSError:
        return False
