"""Landmarks: what CPython looks for, beside its interpreter and in every folder above, to find its own parts.

The rules are those of CPython's `Modules/getpath.py` (3.11 and later) and `Modules/getpath.c` (before). docs/design.md has all of
them, and who decides each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bundler.scheme import BundleScheme


class Landmark(NamedTuple):
    """A bundle path that Python looks at before it comes to the bundle's own, and what it takes it for."""

    path: str
    meaning: str


def zip_comes_first(version: str) -> bool:
    """Whether a Python of this version (`X.Y…`) looks for a zip of its standard library in every folder above, then for the folder.

    So a file of that name above a bundle would win over the bundle's own folder, unless the bundle has one, too.
    """
    found = re.match(r"(\d{1,5})\.(\d{1,5})", version)
    return found is not None and (int(found[1]), int(found[2])) >= (3, 11)


def nearer_landmarks(scheme: BundleScheme) -> Iterator[Landmark]:
    """The places between the interpreter, or libpython, and the bundle's root: what lies there comes before the bundle's own."""
    beside = scheme.executable.rpartition("/")[0]
    if not beside:  # nothing is nearer than the root
        return
    for folder in dict.fromkeys((beside, scheme.libraries)):
        yield Landmark(f"{folder}/{scheme.stdlib_zip}", "its standard library")
        yield Landmark(f"{folder}/{scheme.stdlib}/os.py", "its standard library")
        yield Landmark(f"{folder}/{scheme.stdlib}/os.pyc", "its standard library")
        yield Landmark(f"{folder}/{scheme.dynload}", "its extension modules")
    yield Landmark(f"{beside}/pybuilddir.txt", "a sign that it was not installed yet")
    yield Landmark(f"{beside}/Modules/Setup.local", "a sign that it was not installed yet")
    yield Landmark(f"{beside}/pyvenv.cfg", "the configuration of its environment")
