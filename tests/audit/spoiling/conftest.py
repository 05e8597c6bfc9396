"""The bundle that is spoiled: made once, copied for each way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audit.spoiling import material
from tests.audit.spoiling.way import Spoiled


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that nobody spoiled."""
    return material.make_bundle(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def bundle(sound: Path, tmp_path: Path) -> Spoiled:
    """A copy of it."""
    return Spoiled(material.copy(sound, tmp_path / "bundle"))
