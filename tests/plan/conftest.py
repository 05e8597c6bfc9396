"""Fixtures for tests of decisions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.made_up import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A base and an empty virtual environment over it."""
    return Machine(tmp_path)
