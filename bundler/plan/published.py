"""Files that are published anyway: what they hold, this bundle does not give away.

Published is what a distribution that came from an index lists in its RECORD, byte for byte as the RECORD says; what belongs to
Python itself; and what the system's package manager installed. Not published is what was installed from a folder, a file, a
repository or a URL (`direct_url.json`, PEP 610), what no RECORD lists, and what was changed after it was installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from bundler.entries import Entry, Layer, Patched
from bundler.environment import Distribution, Environment
from bundler.machine import os
from bundler.plan.filters import module_of
from bundler.plan.mounts import MountTable
from bundler.plan.origins import BASE, HOST
from bundler.plan.overlay import Entries
from bundler.prefixes import is_system_prefix

_CONDA = "conda"  # writes the place where its own builders made a package into direct_url.json


class Published:
    """What is published of a plan's files, by bundle path. Nothing is read before it is asked for."""

    def __init__(self, entries: Entries, environment: Environment, mounts: MountTable) -> None:
        self._entries = entries
        self._environment = environment
        self._mounts = mounts

    def is_listed(self, path: str) -> bool:
        """Whether an index lists the file, or a compiled module's source, whatever is in it; or it is Python's or the system's."""
        entry = self._entries.get(path)
        return entry is not None and (self._is_of_a_system(entry) or (module_of(path) or path) in self._digests)

    def is_published(self, path: str, sha256: str) -> bool:
        """Whether the file with this digest (hexadecimal) is.

        Of a binary that is patched the name decides: its source's digest is not kept.
        """
        entry = self._entries.get(path)
        if entry is None:
            return False
        if self._is_of_a_system(entry):
            return True
        if isinstance(entry.content, Patched):
            return path in self._digests
        return self._digests.get(path) == sha256

    @property
    def unpublished(self) -> tuple[str, ...]:
        """Names of the distributions that came from no index."""
        found = {each.name for each in self._environment.distributions if not _is_from_an_index(each)}
        return tuple(sorted(found))

    def _is_of_a_system(self, entry: Entry) -> bool:
        if entry.reason is not None and not isinstance(entry.content, Patched):
            return False
        if entry.layer is Layer.RUNTIME:
            return True
        return entry.origin.startswith((BASE, HOST)) and self._system_s

    @cached_property
    def _system_s(self) -> bool:
        """Whether the base is the system's own Python: its packages are those of the system's package manager."""
        interpreter = self._environment.interpreter
        return is_system_prefix(interpreter.sysroot.name_of(interpreter.base_prefix))

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """Digests (hexadecimal) that RECORDs of distributions from an index have, by bundle path."""
        found: dict[str, str] = {}
        for distribution in self._environment.distributions:
            record = distribution.files.record
            if record is None or not _is_from_an_index(distribution):
                continue
            for row, path in zip(record.rows, distribution.files.paths, strict=True):
                place = self._mounts.bundle_path(path) if row.digest else None
                if place is not None:
                    found[place] = row.sha256
        return found


def _is_from_an_index(distribution: Distribution) -> bool:
    if distribution.direct_url is None:
        return True
    try:
        with open(os.path.join(distribution.metadata, "INSTALLER"), encoding="utf-8", errors="replace") as file:
            return file.read().strip() == _CONDA
    except OSError:
        return False
