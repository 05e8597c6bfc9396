"""Promise 7: pip works inside a bundle that was moved. What other tools do is in test_installing.py."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FLAT_PROJECT, bundler, uv
from tests.material.isolation import hidden


@pytest.fixture
def moved(sample: Sample, tmp_path: Path) -> Path:
    """The bundle at another place; the files are shared, and installers replace files."""
    return Path(shutil.copytree(sample.bundle, tmp_path / "moved", symlinks=True, copy_function=os.link))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with a package and nothing else."""
    project = Path(shutil.copytree(FLAT_PROJECT, tmp_path_factory.mktemp("wheel") / "project"))
    uv(["build", "--wheel", project])
    return next((project / "dist").glob("*.whl"))


def test_pip_installs_into_a_moved_bundle_and_verify_tells_it_apart(sample: Sample, moved: Path, wheel: Path) -> None:
    pip: list[str | Path] = [moved / "bin/python", "-m", "pip", "--disable-pip-version-check"]
    done = hidden(sample.originals, [*pip, "install", "--no-index", "--no-deps", wheel])
    assert done.returncode == 0, done.stderr
    done = hidden(sample.originals, [moved / "bin/python", "-c", "import flat_project; print(flat_project.__file__)"])
    assert done.stdout.startswith(f"{moved}/lib/python{sample.python.version}/site-packages/flat_project/")
    assert bundler(["verify", moved]).returncode == 0
    strict = bundler(["verify", moved, "--strict", "--no-run", "--json"])
    assert strict.returncode == 3
    assert {fault["kind"] for fault in json.loads(strict.stdout)["faults"]} == {"added"}
    done = hidden(sample.originals, [*pip, "uninstall", "-y", "rich"])
    assert done.returncode == 0, done.stderr
    done = bundler(["verify", moved, "--no-run"])
    assert done.returncode == 0, done.stderr
