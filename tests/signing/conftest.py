"""A small environment, of which nothing runs, that is packed and signed once: as a directory, and as an archive."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler import PackOptions, pack
from tests.audit.spoiling.material import copy
from tests.audit.spoiling.way import Spoiled
from tests.material.golden import plain
from tests.material.signing import Keys, make_keys

ENVIRONMENT = "/app/.venv"
"""As it is called in its root."""


@dataclass(frozen=True)
class Signed:
    """What was made."""

    keys: Keys
    other: Keys
    root: Path
    """The root that the environment lies in."""
    bundle: Path
    archive: Path

    @property
    def signature(self) -> Path:
        """The archive's."""
        return self.archive.with_name(f"{self.archive.name}.intoto.jsonl")

    @property
    def options(self) -> PackOptions:
        """How it is packed, but for the key."""
        return PackOptions(root=str(self.root), verify=False)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """Each test has copies."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "root").mkdir()
    plain(folder / "root")
    keys, other = make_keys(folder / "keys"), make_keys(folder / "others")
    signed = Signed(keys, other, folder / "root", folder / "app", folder / "app.tar")
    for out in (signed.bundle, signed.archive):
        pack(ENVIRONMENT, out, signed.options, sign=keys.private)
    return signed


@pytest.fixture
def signed(made: Signed, tmp_path: Path) -> Signed:
    """Copies of the bundles; what is in the folder is nobody else's."""
    (tmp_path / "dist").mkdir()
    archive = Path(shutil.copy(made.archive, tmp_path / "dist/app.tar"))
    shutil.copy(made.signature, tmp_path / "dist")
    return Signed(made.keys, made.other, made.root, copy(made.bundle, tmp_path / "dist/tree"), archive)


@pytest.fixture
def spoiled(signed: Signed) -> Spoiled:
    """The signed directory, to be changed."""
    return Spoiled(signed.bundle)
