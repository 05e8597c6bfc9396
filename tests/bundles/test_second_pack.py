"""A second pack knows the files that the first one read, and is as true as the first."""

from __future__ import annotations

import filecmp
import json
import os
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.material.environments import SMALL, bundler, empty_environment

MODULE = "mine/module.py"
DATA = "mine/data.bin"
FORMATS = ("directory", "tar.zst", "tar", "zip", "run", "oci.tar", "squashfs")
QUICK = ("directory", "tar.zst")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a small file and a large one of our own in `site-packages`, their times long gone."""
    made = empty_environment(tmp_path_factory.mktemp("second") / "env")
    folder = site_packages(made) / "mine"
    folder.mkdir()
    (folder / "module.py").write_text("VALUE = 1\n")
    (folder / "data.bin").write_bytes(bytes(1_000_000))
    return made


def site_packages(root: Path) -> Path:
    return next(root.glob("lib/python*/site-packages"))


def change_unseen(environment: Path) -> None:
    """Other content in the same inodes, of the same size and time."""
    for name in (MODULE, DATA):
        path = site_packages(environment) / name
        before = path.stat()
        with open(path, "r+b") as file:
            file.seek(8)
            old = file.read(1)
            file.seek(8)
            file.write(bytes([old[0] ^ 3]))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size


@pytest.mark.parametrize("link", ["auto", "hardlink", "update"])
def test_what_changed_unseen_is_in_the_directory_with_its_true_digest(
    environment: Path, tmp_path: Path, link: str
) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    options = ("--no-verify", "-q", *(("--update",) if link == "update" else ("--link", link)))
    for number in (1, 2, 3):
        out = tmp_path / ("out" if link == "update" else f"out-{number}")
        if number == 3:
            change_unseen(environment)
        done = bundler(["pack", *SMALL, environment, "--out", out, *options], cache)
        assert done.returncode == 0, done.stderr
    listed = json.loads((out / "bundle.json").read_text())["files"]
    for name in (MODULE, DATA):
        there, here = site_packages(out) / name, site_packages(environment) / name
        assert there.read_bytes() == here.read_bytes()
        assert listed[there.relative_to(out).as_posix()]["sha256"] == sha256(here.read_bytes()).hexdigest()
    done = bundler(["verify", "--no-run", "--strict", out])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=() if form in QUICK else pytest.mark.everything) for form in FORMATS[1:]]
)
def test_an_archive_is_the_same_whatever_is_known(environment: Path, tmp_path: Path, form: str) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    made = []
    for number, options in enumerate([(), (), ("--no-cache",)]):
        out = tmp_path / str(number) / f"app.{form}"
        out.parent.mkdir()
        level = ("--level", "1") if form != "tar" else ()
        command: list[str | Path] = ["pack", *SMALL, environment, "--out", out, "--no-verify", "-q", *level, *options]
        done = bundler(command, cache)
        if "is not installed" in done.stderr:
            pytest.skip(done.stderr)
        assert done.returncode == 0, done.stderr
        made.append(out)
    assert filecmp.cmp(made[0], made[1], shallow=False)
    assert filecmp.cmp(made[0], made[2], shallow=False)


def test_what_changed_unseen_is_in_the_archive_with_its_true_digest(environment: Path, tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    out = tmp_path / "out.tar"
    for number in (1, 2):
        if number == 2:
            change_unseen(environment)
        done = bundler(
            ["pack", *SMALL, environment, "--out", out, "--no-verify", "-q", "--force", "--pyc", "keep"], cache
        )
        assert done.returncode == 0, done.stderr
    with tarfile.open(out) as archive:
        listed = json.loads(archive.extractfile("bundle.json").read())["files"]  # type: ignore[union-attr]
        for name in (MODULE, DATA):
            path = next(found for found in listed if found.endswith(name))
            data = archive.extractfile(path).read()  # type: ignore[union-attr]
            assert data == (site_packages(environment) / name).read_bytes()
            assert listed[path]["sha256"] == sha256(data).hexdigest()


def test_without_a_cache_nothing_is_kept_and_an_update_compares(environment: Path, tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    out = tmp_path / "out"
    common = ("--no-verify", "--no-cache", "--json")
    assert bundler(["pack", *SMALL, environment, "--out", out, *common], cache).returncode == 0
    change_unseen(environment)
    done = bundler(["pack", *SMALL, environment, "--out", out, "--update", *common], cache)
    assert json.loads(done.stdout)["updated"] == {"written": 3, "removed": 0}
    assert not (tmp_path / "cache").exists()
