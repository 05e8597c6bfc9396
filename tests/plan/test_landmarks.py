"""Python's search for its own parts ends in the bundle, whatever the source has and whatever is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bundler.entries import Directory, Entry, Literal, Source
from bundler.environment import EnvironmentKind, load_environment
from bundler.environment.facts import VersionInfo
from bundler.options import ContentOptions, Profile, Symlinks
from bundler.plan.landmarks import ZIP_REASON, landmark_entries
from bundler.plan.make import make_plan
from bundler.plan.settings import PlanSettings
from tests.material.environments import empty_environment
from tests.material.schemes import POSIX_312
from tests.plan.made_up import Machine

ZIP = POSIX_312.stdlib_zip


def landmarks(machine: Machine, version: tuple[int, int] = (3, 12)) -> dict[str, Entry]:
    environment = machine.environment
    interpreter = environment.interpreter.with_version(VersionInfo(*version, 1, "final", 0))
    added = landmark_entries(replace(environment, interpreter=interpreter), machine.entries)
    return {**machine.entries, **{entry.path: entry for entry in added}}


def test_from_3_11_on_a_bundle_has_an_empty_zip_with_its_reason(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for version in ((3, 11), (3, 12), (3, 15), (4, 0)):
        made = landmarks(machine, version)[ZIP]
        assert made.content == Literal(b"")
        assert made.reason == ZIP_REASON
    for version in ((3, 8), (3, 9), (3, 10)):
        assert ZIP not in landmarks(machine, version)


@pytest.mark.parametrize("kind", EnvironmentKind)
def test_a_zip_of_the_source_s_base_stays_as_it_is(tmp_path: Path, kind: EnvironmentKind) -> None:
    machine = Machine(tmp_path, kind)
    place = machine.put(f"base/{ZIP}", "a real one")
    for version in ((3, 8), (3, 12)):
        kept = landmarks(machine, version)[ZIP]
        assert isinstance(kept.content, Source)
        assert kept.content.path == str(place)
        assert kept.reason is None


def test_a_zip_in_a_virtual_environment_is_not_what_its_python_looks_for(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.put(f"env/{ZIP}", "somebody's")
    assert landmarks(machine)[ZIP].content == Literal(b"")


def test_a_python_without_a_folder_of_extension_modules_gets_an_empty_one(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    for version in ((3, 8), (3, 12)):
        assert landmarks(machine, version)[POSIX_312.dynload].content == Directory()


def test_nothing_that_is_left_out_takes_the_landmarks_along(tmp_path: Path) -> None:
    empty_environment(tmp_path / "env")
    environment = load_environment(str(tmp_path / "env"))
    scheme = environment.scheme
    patterns = ("*.zip", "lib-dynload/", "**/lib-dynload/*")
    content = ContentOptions(profile=Profile.SLIM, patterns=patterns, symlinks=Symlinks.NONE)
    entries = {entry.path: entry for entry in make_plan(environment, PlanSettings(content)).entries}
    assert entries[scheme.dynload].content == Directory()
    assert not [path for path in entries if path.startswith(f"{scheme.dynload}/")]
    assert (scheme.stdlib_zip in entries) == (environment.interpreter.version_info >= (3, 11))
