"""The recipes of archives are followed as they stand: a tarball, machines without a network, Spark."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.material.environments import FIXTURES, quick_environment, run, tool
from tests.material.pages import follow
from tests.material.programs import need
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything


def test_a_tarball(desk: Desk) -> None:
    assert follow("recipes/tarball.md", desk.folder, {"": desk.own(), "server": desk.without_sources()}) > 15


def test_machines_without_a_network(desk: Desk) -> None:
    """There is no network there: not even the loopback that a machine has."""
    wheel = desk.folder.parent / "wheel"
    run([tool("uv"), "build", "-q", "--wheel", "--out-dir", wheel, FIXTURES.parent])
    quick_environment(desk.folder / "tools", list(wheel.glob("*.whl")))
    there = desk.without_sources()

    def without_network(line: str) -> subprocess.CompletedProcess[str]:
        return there(f"exec unshare -n sh -c {shlex.quote(line)}")

    assert follow("recipes/air-gap.md", desk.folder, {"": desk.own(), "there": without_network}) > 10


def test_spark(desk: Desk) -> None:
    need("java")
    run([tool("uv"), "-q", "pip", "install", "--python", desk.folder / ".venv", "pyspark<4", "setuptools"])
    local = desk.folder.parent / "local"
    variables = {"SPARK_LOCAL_DIRS": str(local), "SPARK_WORKER_DIR": str(local / "work"), "SPARK_LOCAL_IP": "127.0.0.1"}
    assert follow("recipes/spark.md", desk.folder, {"": desk.own(**variables)}) == 2
