"""What `inspect` and `diff` tell of a real bundle is what its pack planned, what its files say, and what the disk has."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundler.audit.tree import read_tree
from bundler.contents import Contents, FileKind, Place, read_contents
from bundler.contents.sizes import sizes
from bundler.contents.why import Cause, why
from bundler.entries import Directory
from bundler.environment import load_environment
from bundler.floor import highest
from bundler.options import ContentOptions
from bundler.plan.make import make_plan
from bundler.plan.settings import PlanSettings
from tests.bundles.conftest import Sample

PYTHON_S = ("interpreter", "standard library")


@pytest.fixture(scope="module")
def contents(sample: Sample) -> Contents:
    return read_contents(str(sample.bundle))


def tops(cause: Cause) -> Iterator[str]:
    """What every way up ends with."""
    if not cause.causes and not cause.is_told:
        yield cause.name
    for each in cause.causes:
        yield from tops(each)


def test_each_library_of_the_host_has_somebody_who_needs_it(contents: Contents) -> None:
    """Up to Python itself, or to a distribution."""
    known = {*PYTHON_S, *(f"{each.name} {each.version}" for each in contents.distributions)}
    bundled = contents.manifest.bundled
    assert len(bundled) > 3
    for fact in bundled:
        (cause,) = why(contents, fact.path)
        ends = set(tops(cause))
        assert ends and ends <= known, fact.path


def test_needs_are_those_that_the_pack_found(contents: Contents) -> None:
    users: dict[str, set[str]] = {}
    for binary in contents.binaries.values():
        for need in binary.needs:
            if need.place is Place.BUNDLE:
                users.setdefault(need.path, set()).add(binary.path)
            assert need.place is not Place.MISSING, need
    python = contents.manifest.python.executable
    for fact in contents.manifest.bundled:
        # What libc or a module opens by itself is the interpreter's need in the manifest.
        assert set(fact.needed_by) - {python} <= users.get(fact.path, set()), fact.path
    assert {need.name for each in contents.binaries.values() for need in each.needs if need.place is Place.HOST} <= set(
        contents.manifest.host_libraries
    )


def test_the_floor_is_the_highest_of_what_files_ask_for(contents: Contents) -> None:
    floor = contents.manifest.floor
    assert floor is not None
    demands = (binary.demand for binary in contents.binaries.values() if binary.demand is not None)
    assert highest(floor.system, demands) == floor


def test_sizes_add_up_to_what_the_disk_has(sample: Sample, contents: Contents) -> None:
    found = sizes(contents)
    paths = [Path(place, name) for place, _, names in os.walk(sample.bundle) for name in names]
    assert found.size == sum(path.lstat().st_size for path in paths if not path.is_symlink())
    assert found.size == sum(part.size for part in found.parts) == sum(kind.size for kind in found.kinds)
    assert found.files == len(read_tree(str(sample.bundle)).files) == sample.report["files"]


def test_each_file_of_a_record_belongs_to_its_distribution(sample: Sample, contents: Contents) -> None:
    (site,) = contents.manifest.python.site_packages
    owners = {item.path: item.owner for item in contents.items}
    assert {each.name for each in contents.distributions} == {name for name, _ in contents.manifest.distributions}
    for each in contents.distributions:
        with (sample.bundle / each.metadata / "RECORD").open(newline="") as file:
            rows = [os.path.normpath(f"{site}/{row[0]}") for row in csv.reader(file)]
        assert {owners[row] for row in rows} == {each.name}
    strays = [path for path, owner in owners.items() if path.startswith(f"{site}/") and not owner]
    assert strays == []


def test_extension_modules_libraries_and_programs_are_told_apart(contents: Contents) -> None:
    kinds = {item.path: item.kind for item in contents.items}
    python = contents.manifest.python
    assert kinds[python.executable] is FileKind.PROGRAM
    for path, kind in kinds.items():
        if path.startswith(python.scheme.dynload) and path.endswith(".so"):
            assert kind is FileKind.EXTENSION, path
        if path.startswith(python.scheme.bundled) and kind is not FileKind.LINK:
            assert kind is FileKind.LIBRARY, path
    rust = [path for path in kinds if path.endswith("/_rust.abi3.so")]
    assert [kinds[path] for path in rust] == [FileKind.EXTENSION]


@pytest.mark.everything
def test_layers_are_those_of_the_plan(sample: Sample, contents: Contents) -> None:
    """`bundle.json` does not tell them: they follow from origin and place. Compiled modules of the user's own distributions, which
    no installer listed, are theirs here."""
    plan = make_plan(load_environment(str(sample.environment), "/"), PlanSettings(content=ContentOptions()))
    planned = {entry.path: entry.layer for entry in plan.entries if not isinstance(entry.content, Directory)}
    found = {
        each.path: each.layer for each in contents.items if each.path in planned and not each.path.endswith(".pyc")
    }
    assert len(found) > 1000
    assert {path: (layer, planned[path]) for path, layer in found.items() if layer is not planned[path]} == {}
