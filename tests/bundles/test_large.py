"""A large environment with its own libc, where nothing of this machine is: imports, and a small computation with each package."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.test_own_libc import empty_root
from tests.material.debian import debian_packages, debian_root, inside
from tests.material.environments import FIXTURES, pack
from tests.material.isolation import in_root

pytestmark = pytest.mark.everything
COMPUTES = FIXTURES / "large/computes.py"
RELEASES = ("bullseye", "trixie", "sid")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the environment that BENCH_LARGE names."""
    environment = os.environ.get("BENCH_LARGE", "")
    if not os.path.isdir(os.path.join(environment, "lib")):
        pytest.skip(
            "BENCH_LARGE names no environment with numpy, scipy, pandas, matplotlib, scikit-learn, pyarrow, polars, duckdb, opencv"
        )
    out = tmp_path_factory.mktemp("large") / "bundle"
    pack(Path(environment), out, "--libc", "bundle", "--launcher", "native")
    return out


def check(root: Path, bundle: Path) -> None:
    """It computes in the root, with no library from elsewhere."""
    shutil.copy(COMPUTES, root / "tmp")
    done = in_root(root, bundle, ["/opt/app/bin/python3", "/tmp/computes.py"])
    assert done.stdout == "computed []\n", done.stderr
    done = in_root(root, bundle, ["/opt/app/bin/f2py", "-v"])
    assert done.returncode == 0, done.stderr


def test_it_computes_in_a_root_that_holds_nothing_else(large: Path, tmp_path: Path) -> None:
    check(empty_root(tmp_path), large)


def test_it_computes_beside_musl(large: Path, tmp_path: Path) -> None:
    root = empty_root(tmp_path / "root")
    packages = debian_packages("bookworm", ["musl", "busybox-static"], label="musl")
    shutil.copytree(packages / "usr/lib", root / "lib", symlinks=True)
    (root / "bin").mkdir()
    shutil.copy(packages / "usr/bin/busybox", root / "bin/sh")
    check(root, large)


def test_it_computes_in_an_older_release(large: Path, tmp_path: Path) -> None:
    root = debian_root("bullseye", tmp_path / "root")
    (root / "computes").mkdir()
    shutil.copy(COMPUTES, root / "computes")
    done = inside(root, "/opt/app/bin/python3 /computes/computes.py", [(large, "opt/app")])
    assert done.stdout == "computed []\n", done.stderr


@pytest.mark.parametrize("release", RELEASES)
def test_it_computes_beside_the_libc_of_a_release(large: Path, release: str, tmp_path: Path) -> None:
    """Of which the packages are unpacked: its loader, libc, shell and programs."""
    root = empty_root(tmp_path / "root")
    packages = debian_packages(release, ["libc6", "libc-bin", "dash", "coreutils"], label="libc-and-shell")
    shutil.copytree(packages / "usr", root / "usr", symlinks=True)
    for name in ("lib", "lib64", "bin"):
        (root / name).symlink_to(f"usr/{name}")
    check(root, large)
