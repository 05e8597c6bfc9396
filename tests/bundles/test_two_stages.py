"""The seed (uv issue 6782): a venv built in one image and copied to the same path in another, which has no Python."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FIXTURES, clean, tool
from tests.material.isolation import hidden, in_root


@pytest.fixture(scope="module")
def stage(sample: Sample, stockroom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first image leaves: a folder that was /opt there, with the venv and its bundle."""
    folder = tmp_path_factory.mktemp("stage")
    script = (
        'set -e; "$UV" -q venv --python "$BASE" /opt/venv; "$UV" -q pip install --python /opt/venv/bin/python "$PROJECT";'
        ' "$PYTHON" -m bundler pack /opt/venv --out /opt/app --no-verify -q'
    )
    variables = {
        "UV": tool("uv"),
        "BASE": sample.python.executable,
        "PROJECT": str(stockroom),
        "PYTHON": sys.executable,
    }
    env = clean() | variables | {"PYTHONPATH": str(FIXTURES.parent)}
    done = hidden([], ["sh", "-c", script], env=env, prepare=f"mount --bind '{folder}' /opt || exit 99")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_copied_venv_does_not_start_there(stage: Path, root: Path) -> None:
    done = in_root(root, stage / "venv", ["/opt/venv/bin/python", "-c", "print(1)"], at="/opt/venv")
    assert done.returncode != 0
    assert "No such file" in done.stderr


def test_the_bundle_copied_to_the_venv_s_path_runs_there(stage: Path, root: Path) -> None:
    app = Path(shutil.copytree(stage / "app", stage / "copied", symlinks=True))
    done = in_root(root, app, ["/opt/venv/bin/stockroom", "where"], at="/opt/venv")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["prefix"] == "/opt/venv"
    done = in_root(root, app, ["/opt/venv/bin/stockroom"], at="/opt/venv")
    assert "the count is right" in done.stdout, done.stderr
