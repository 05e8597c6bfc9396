"""The recipes of packages are followed as they stand: a Debian package in a root of Debian 12, an RPM package in one with rpm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.material.debian import debian_root, inside
from tests.material.pages import Place, follow
from tests.material.programs import need
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything


def server(root: Path, desk: Desk) -> Place:
    """A Debian without a Python, which sees the desk's folder as its working directory."""
    shutil.rmtree(root / "opt", ignore_errors=True)
    (root / "opt").mkdir()

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return inside(root, f"exec 2>&1; cd /desk; {line}", [(desk.folder, "desk")])

    return run


def test_a_debian_package(desk: Desk, tmp_path: Path) -> None:
    need("dh")
    root = debian_root("bookworm", tmp_path / "root", ("ca-certificates",), "plain")
    assert follow("recipes/deb.md", desk.folder, {"": desk.own(), "server": server(root, desk)}) >= 11


def test_an_rpm_package(desk: Desk, tmp_path: Path) -> None:
    need("rpmbuild")
    root = debian_root("bookworm", tmp_path / "root", ("ca-certificates", "rpm"), "rpm")
    assert follow("recipes/rpm.md", desk.folder, {"": desk.own(), "server": server(root, desk)}) >= 9
