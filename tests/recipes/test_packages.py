"""The recipes of packages are followed as they stand: a Debian package in a root of Debian 12, an RPM package in one with rpm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.material.debian import debian_root, inside
from tests.material.environments import run
from tests.material.pages import Place, follow
from tests.material.programs import need
from tests.recipes.conftest import Desk

pytestmark = pytest.mark.everything


def server(root: Path, desk: Desk) -> Place:
    """A Debian without a Python, which sees the desk's folder as its working directory."""
    shutil.rmtree(root / "opt", ignore_errors=True)
    (root / "opt").mkdir()

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        return inside(root, f"exec 2>&1; cd /desk; {line}", [(desk.folder, "desk")])

    return shell


def test_a_debian_package(desk: Desk, tmp_path: Path) -> None:
    need("dh")
    root = debian_root("bookworm", tmp_path / "root", ("ca-certificates",), "plain")
    assert follow("recipes/deb.md", desk.folder, {"": desk.own(), "server": server(root, desk)}) >= 11


GLIBC = """Name: glibc
Version: 2.36
Release: 1
Summary: Stands for the glibc of a system that is made of RPM packages
License: none
Provides: libc.so.6(GLIBC_2.36)(64bit)
%description
It holds nothing.
%files
"""


def test_an_rpm_package(desk: Desk, tmp_path: Path) -> None:
    """Debian's rpm knows no package of the system, so the one that is required is made for the test."""
    need("rpmbuild")
    root = debian_root("bookworm", tmp_path / "root", ("ca-certificates", "rpm"), "rpm")
    (tmp_path / "glibc.spec").write_text(GLIBC)
    run(["rpmbuild", "-bb", "--define", f"_topdir {tmp_path / 'glibc'}", tmp_path / "glibc.spec"])
    (package,) = tmp_path.glob("glibc/RPMS/*/glibc-2.36-1.*.rpm")
    there = server(root, desk)
    shutil.copy(package, desk.folder)
    assert there(f"rpm -i {package.name}").returncode == 0
    assert follow("recipes/rpm.md", desk.folder, {"": desk.own(), "server": there}) >= 9
