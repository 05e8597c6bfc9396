"""Fixtures for tests of decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.editable_project import Project
from tests.plan.made_up import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A base and an empty virtual environment over it, and none of the Tcl of the machine that runs the tests."""
    monkeypatch.setattr("bundler.plan.bases.posix.TCL_FOLDERS", ())
    return Machine(tmp_path)


@pytest.fixture
def project(machine: Machine) -> Project:
    """A project of which that environment has an editable install."""
    return Project(machine)
