"""One sample environment and one bundle of it, shared by the tests of the promises."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.containers import Podman, podman_in
from tests.material.environments import STOCKROOM, empty_environment, pack, quick_environment
from tests.material.interpreters import Python, main_python
from tests.material.isolation import bare_root
from tests.material.snapshots import Snapshot, snapshot


@dataclass(frozen=True)
class Sample:
    """The sample application in an environment, its bundle, the report, and the sources as they were before."""

    python: Python
    environment: Path
    bundle: Path
    report: dict[str, object]
    manifest: dict[str, object]
    before: Snapshot

    @property
    def originals(self) -> tuple[str, ...]:
        """What must be hidden while the bundle runs."""
        return (str(self.environment), *self.python.places)


@pytest.fixture(scope="session")
def stockroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample project: building it leaves the checkout alone."""
    return Path(shutil.copytree(STOCKROOM, tmp_path_factory.mktemp("project") / "stockroom"))


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, stockroom: Path) -> Sample:
    """An environment with the sample application, and one pack of it."""
    python = main_python()
    folder = tmp_path_factory.mktemp("sample")
    environment = quick_environment(folder / "env", [stockroom], "--compile-bytecode")
    before = snapshot(environment, *python.places)
    bundle = folder / "bundle"
    report = json.loads(pack(environment, bundle, "--json").stdout)
    manifest = json.loads((bundle / "bundle.json").read_text())
    return Sample(python, environment, bundle, report, manifest, before)


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without a package, which no test changes."""
    return empty_environment(tmp_path_factory.mktemp("empty") / "env")


@pytest.fixture
def root() -> Iterator[Path]:
    """A bare root; not below pytest's folder, whose parents a chroot must not need."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="bare-root-") as folder:
        yield bare_root(Path(folder) / "root")


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Containers, whose images are kept until the tests end."""
    with podman_in(tmp_path_factory.mktemp("podman")) as found:
        yield found
