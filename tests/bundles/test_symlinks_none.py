"""`--symlinks none`: a tree without a link, for exFAT, SMB and plain zips, that is as whole and as movable as one with links."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.material.environments import bundler, pack, quick_environment
from tests.material.interpreters import Python, main_python
from tests.material.isolation import hidden

CODE = (
    "import sys, os, ssl, sqlite3, markupsafe._speedups, linked, linked.inner, one;"
    "print(sys.prefix, sys.base_prefix, os.path.basename(sys.executable), sep='\\n')"
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package behind links: a folder, a module, one that leads around in a circle, and one to nowhere."""
    folder = quick_environment(tmp_path_factory.mktemp("links") / "env", ["markupsafe"])
    packages = next((folder / "lib").glob("python*/site-packages"))
    (packages / "real/inner").mkdir(parents=True)
    for name in ("real/__init__.py", "real/inner/__init__.py"):
        (packages / name).write_text("")
    (packages / "linked").symlink_to("real")
    (packages / "one.py").symlink_to("real/__init__.py")
    (packages / "real/circle").symlink_to("../linked")
    (packages / "real/nowhere").symlink_to("nothing")
    return folder


@pytest.fixture(scope="module")
def bundle(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("without") / "bundle"
    pack(environment, out, "--symlinks", "none")
    return out


def links(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_symlink()]


def check_runs(bundle: Path, environment: Path, python: Python) -> None:
    for name in ("python", "python3", f"python{python.version}"):
        done = hidden([environment, *python.places], [bundle / "bin" / name, "-W", "error", "-c", CODE])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [str(bundle), str(bundle), name]


def test_there_is_no_link_and_every_name_starts_python(environment: Path, bundle: Path, tmp_path: Path) -> None:
    python = main_python()
    assert links(bundle) == []
    moved = Path(shutil.copytree(bundle, tmp_path / "moved here", copy_function=os.link))
    check_runs(moved, environment, python)
    done = hidden([environment, *python.places], [moved / "bin/pip", "--version"])
    assert str(moved) in done.stdout, done.stderr


def test_a_library_lies_under_every_name_that_a_link_had(environment: Path, bundle: Path, tmp_path: Path) -> None:
    pack(environment, tmp_path / "with-links", "--no-verify")
    with_links = links(tmp_path / "with-links")
    names = [Path(path).relative_to(tmp_path / "with-links") for path in with_links]
    libraries = [name for name in names if ".so" in name.name]
    assert libraries or not main_python().places
    for name in names:
        meant = tmp_path / "with-links" / name
        if meant.is_file():
            assert (bundle / name).read_bytes() == meant.read_bytes(), name
            assert os.access(bundle / name, os.X_OK) == os.access(meant, os.X_OK)
        elif meant.is_dir() and name.name != "circle":
            assert (bundle / name).is_dir(), name
    assert not (bundle / "lib").joinpath("nowhere").exists()
    assert bundler(["verify", bundle, "--no-run", "--strict"]).returncode == 0


def test_a_venv_can_be_made_of_it(environment: Path, bundle: Path, tmp_path: Path) -> None:
    python = main_python()
    moved = Path(shutil.copytree(bundle, tmp_path / "moved", copy_function=os.link))
    originals: list[str | Path] = [environment, *python.places]
    done = hidden(originals, [moved / "bin/python3", "-m", "venv", tmp_path / "inner"])
    assert done.returncode == 0, done.stderr
    done = hidden(
        originals, [tmp_path / "inner/bin/python", "-c", "import sys, ssl, pip; print(sys.prefix, sys.base_prefix)"]
    )
    assert done.stdout.split() == [str(tmp_path / "inner"), str(moved)], done.stderr


@pytest.mark.everything
def test_a_plain_zip_without_links_runs_after_a_program_that_knows_none(environment: Path, tmp_path: Path) -> None:
    pack(environment, tmp_path / "bundle.zip", "--symlinks", "none")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        assert [item.filename for item in archive.infolist() if item.external_attr >> 28 == 0o12] == []
        archive.extractall(tmp_path / "unpacked")  # knows neither links nor modes
    for script in (tmp_path / "unpacked/bin").iterdir():
        script.chmod(0o755)
    check_runs(tmp_path / "unpacked", environment, main_python())
