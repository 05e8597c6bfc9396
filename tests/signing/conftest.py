"""A small environment that is packed and signed once: as a directory, and as an archive."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.audit.spoiling.material import FEW, copy, make_bundle
from tests.audit.spoiling.way import Spoiled
from tests.material.environments import pack
from tests.material.signing import Keys, make_keys


@dataclass(frozen=True)
class Signed:
    """What was made."""

    keys: Keys
    other: Keys
    environment: Path
    plain: Path
    """The bundle that nobody signed."""
    bundle: Path
    archive: Path

    @property
    def signature(self) -> Path:
        """The archive's."""
        return self.archive.with_name(f"{self.archive.name}.intoto.jsonl")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """Each test has copies."""
    folder = tmp_path_factory.mktemp("signed")
    plain = make_bundle(folder)
    keys, other = make_keys(folder / "keys"), make_keys(folder / "others")
    words = (*FEW, "--no-verify", "--sign", keys.private)
    pack(folder / "environment", folder / "app", *words)
    pack(folder / "environment", folder / "app.tar", *words)
    return Signed(keys, other, folder / "environment", plain, folder / "app", folder / "app.tar")


@pytest.fixture
def signed(made: Signed, tmp_path: Path) -> Signed:
    """Copies of the bundles; what is in the folder is nobody else's."""
    (tmp_path / "dist").mkdir()
    archive = Path(shutil.copy(made.archive, tmp_path / "dist/app.tar"))
    shutil.copy(made.signature, tmp_path / "dist")
    return Signed(
        made.keys, made.other, made.environment, made.plain, copy(made.bundle, tmp_path / "dist/app"), archive
    )


@pytest.fixture
def spoiled(signed: Signed) -> Spoiled:
    """The signed directory, to be changed."""
    return Spoiled(signed.bundle)
