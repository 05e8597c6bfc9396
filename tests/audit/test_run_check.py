"""Which failures of the run check are none: a package may load its extension modules in a way of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import pytest

from bundler.audit.observation import Batch, Observation
from bundler.audit.observing import Subject
from bundler.audit.run_check import _without_loaded
from bundler.audit.seen_files import SeenFile
from bundler.audit.tree import BundleTree
from bundler.manifest.model import Manifest, PythonFacts
from tests.material.schemes import POSIX_312

SITE = "lib/python3.12/site-packages"
LIBRARIES: Mapping[str, frozenset[str]] = {
    "one": frozenset({f"/bundle/{SITE}/one/_same.so"}),
    "two": frozenset(),
}
"""What a process has that imports the package alone."""


def bundle() -> BundleTree:
    """A bundle with two packages whose extension modules have one file name."""
    python = PythonFacts("3.12.1", POSIX_312, None, (SITE,), (".so",))
    files = {f"{SITE}/{name}/_same.so": SeenFile("", 1, defines_module=True) for name in LIBRARIES}
    return BundleTree("/bundle", Manifest("1", python, "x86_64", None, (), {}), files, {}, frozenset(), frozenset())


def observe(_subject: Subject, batches: Sequence[Batch]) -> list[Observation]:
    return [Observation(batch.name, libraries=LIBRARIES[batch.name]) for batch in batches]


def test_a_module_is_excused_by_its_own_package_and_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["bundler.audit.run_check"], "observe", observe)
    failed = {"one._same": "in another order", "two._same": "never"}
    (left,) = _without_loaded([Observation("both", failed)], bundle(), Subject("python", "", {}))
    assert left.failed == {"two._same": "never"}
