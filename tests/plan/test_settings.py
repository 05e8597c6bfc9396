"""What follows from the user's options, the format and the environment, before anything is planned."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from bundler.errors import BundlerError
from bundler.options import ContentOptions, EditableMode, Pyc
from bundler.plan.settings import PlanSettings, Workspace, open_workspace, settle_settings
from bundler.plan.times import DEFAULT_EPOCH
from tests.plan.made_up import Machine


def settled(machine: Machine, content: ContentOptions, *, is_archive: bool = True, probed: bool = True) -> PlanSettings:
    environment = replace(machine.environment, probed=probed)
    return settle_settings(content, environment, is_archive=is_archive, threads=3)


@pytest.mark.parametrize(
    ("asked", "is_archive", "probed", "pyc", "epoch"),
    [
        (None, False, True, Pyc.KEEP, None),
        (None, False, False, Pyc.KEEP, None),
        (None, True, True, Pyc.COMPILE, DEFAULT_EPOCH),
        (None, True, False, Pyc.KEEP, DEFAULT_EPOCH),
        (Pyc.KEEP, True, False, Pyc.KEEP, None),
        (Pyc.KEEP, True, True, Pyc.KEEP, None),
        (Pyc.NONE, True, True, Pyc.NONE, DEFAULT_EPOCH),
        (Pyc.NONE, False, True, Pyc.NONE, None),
        (Pyc.COMPILE, False, True, Pyc.COMPILE, None),
    ],
)
def test_modules_and_times_follow_from_the_format_where_nobody_asked(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    asked: Pyc | None,
    is_archive: bool,
    probed: bool,
    pyc: Pyc,
    epoch: int | None,
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    found = settled(machine, ContentOptions(pyc=asked), is_archive=is_archive, probed=probed)
    assert (found.pyc, found.epoch, found.threads) == (pyc, epoch, 3)


@pytest.mark.parametrize(
    ("pyc", "is_archive", "epoch"), [(Pyc.KEEP, True, 5), (Pyc.NONE, True, 5), (Pyc.NONE, False, None)]
)
def test_source_date_epoch_is_the_time_of_archives(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, pyc: Pyc, is_archive: bool, epoch: int | None
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "5")
    assert settled(machine, ContentOptions(pyc=pyc), is_archive=is_archive).epoch == epoch


def test_what_the_user_said_stays_as_it_was(machine: Machine) -> None:
    content = ContentOptions(pyc=None, include_libs=("libz.so.1",), exclude_libs=("libm.so.6",))
    assert settled(machine, content).content is content


@pytest.mark.parametrize(
    ("content", "option"),
    [
        (ContentOptions(pyc=Pyc.COMPILE), "--pyc compile"),
        (ContentOptions(editable=EditableMode.BUILD), "--editable build"),
    ],
)
def test_what_needs_python_is_refused_where_none_is_run(machine: Machine, content: ContentOptions, option: str) -> None:
    settled(machine, content)
    with pytest.raises(BundlerError, match=option):
        settled(machine, content, probed=False)


@pytest.mark.parametrize(
    ("settings", "pyc", "builds"),
    [
        (PlanSettings(), False, False),
        (PlanSettings(pyc=Pyc.COMPILE), True, False),
        (PlanSettings(content=ContentOptions(editable=EditableMode.BUILD)), False, True),
    ],
)
def test_a_workspace_has_the_folders_that_are_needed_and_goes(settings: PlanSettings, pyc: bool, builds: bool) -> None:
    with open_workspace(settings, cache=False) as workspace:
        assert ([*map(os.path.isdir, workspace.pyc)], os.path.isdir(workspace.builds)) == ([True] * pyc, builds)
    assert not any(map(os.path.exists, [*workspace.pyc, workspace.builds]))
    assert PlanSettings().workspace == Workspace()


def test_the_cache_of_compiled_modules_stays(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.folder / "cache"))
    with open_workspace(PlanSettings(pyc=Pyc.COMPILE), cache=True) as workspace:
        first, second = workspace.pyc
        assert first == f"{machine.folder}/cache/bundler/pyc"
    assert os.path.isdir(first) and not os.path.exists(second)
