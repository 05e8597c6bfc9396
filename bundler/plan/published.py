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
from bundler.leaks.scanner import Closeness
from bundler.machine import os
from bundler.plan.filters import module_of
from bundler.plan.mounts import MountTable
from bundler.plan.origins import BASE, HOST
from bundler.plan.overlay import Entries
from bundler.prefixes import is_system_prefix
from bundler.rewrite.record import Record

_CONDA = "conda"  # writes the place where its own builders made a package into direct_url.json


class Published:
    """What is published of a plan's files, by bundle path. Nothing is read before it is asked for."""

    def __init__(self, entries: Entries, environment: Environment, mounts: MountTable) -> None:
        self._entries = entries
        self._environment = environment
        self._mounts = mounts

    def closeness(self, path: str) -> Closeness:
        """How closely the file at a bundle path is looked at; a compiled module as its source."""
        entry = self._entries.get(path)
        if entry is None:
            return Closeness.OWN
        if self._is_of_a_system(entry):
            return Closeness.OF_PYTHON
        return Closeness.LISTED if (module_of(path) or path) in self._rows else Closeness.OWN

    def is_published(self, path: str, sha256: str) -> bool:
        """Whether the file with this digest (hexadecimal) is.

        Of a binary that is patched the name decides: its source's digest is not kept.
        """
        entry = self._entries.get(path)
        if entry is None:
            return False
        if self._is_of_a_system(entry):
            return True
        listed = self._rows.get(path)
        if listed is None or isinstance(entry.content, Patched):
            return listed is not None
        record, number = listed
        return record.row(number).sha256 == sha256

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
    def _rows(self) -> Mapping[str, tuple[Record, int]]:
        """The rows of RECORDs of distributions from an index, by bundle path: the RECORD, and which of its rows."""
        found: dict[str, tuple[Record, int]] = {}
        for distribution in self._environment.distributions:
            record = distribution.files.record
            if record is None or not _is_from_an_index(distribution):
                continue
            for number, path in enumerate(distribution.files.paths):
                place = self._mounts.bundle_path(path)
                if place is not None:
                    found[place] = record, number
        return found


def _is_from_an_index(distribution: Distribution) -> bool:
    if distribution.direct_url is None:
        return True
    try:
        with open(os.path.join(distribution.metadata, "INSTALLER"), encoding="utf-8", errors="replace") as file:
            return file.read().strip() == _CONDA
    except OSError:
        return False
