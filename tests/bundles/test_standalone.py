"""Installations that stand by themselves, and environments over bases that are none: all pack to bundles that run alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FIXTURES, make, pack, quick_environment, run, uv
from tests.material.interpreters import Python, main_python
from tests.material.isolation import hidden, in_root
from tests.material.standalone import as_usr_local, python_build_standalone, with_usr_local

CODE = (
    "import sys, ssl, sqlite3, ctypes, sysconfig, json, markupsafe._speedups;"
    " print(json.dumps([sys.prefix, sys.base_prefix, sysconfig.get_config_var('LIBDIR'), markupsafe.__file__]))"
)


def check_runs(bundle: Path, originals: list[str]) -> None:
    done = hidden(originals, [bundle / "bin/python", "-c", CODE])
    assert done.returncode == 0, done.stderr
    prefix, base, libraries, package = json.loads(done.stdout)
    assert prefix == base == str(bundle)
    assert libraries == f"{bundle}/lib"
    assert package.startswith(f"{bundle}/lib/")


@pytest.mark.everything
def test_a_tree_like_python_build_standalone_s_is_packed_as_it_is(tmp_path: Path) -> None:
    python = main_python()
    tree = python_build_standalone(python, tmp_path / f"cpython-{python.version}.0-linux-x86_64-gnu")
    run([tree / "bin/python3", "-m", "pip", "install", "-q", "--break-system-packages", "markupsafe"])
    done = pack(tree, tmp_path / "bundle", "--json")
    assert not list((tmp_path / "bundle").rglob("EXTERNALLY-MANAGED"))
    assert json.loads(done.stdout)["old_paths"]["texts"] == []
    bundle = (tmp_path / "bundle").rename(tmp_path / "moved")
    check_runs(bundle, [str(tree), *python.places])
    assert hidden([str(tree), *python.places], [bundle / "bin/pip3", "--version"]).returncode == 0
    makefile = next(bundle.glob("lib/python*/config-*/Makefile")).read_text()
    assert re.findall(r"(?m)^prefix=\s*/install", makefile) == []


@pytest.mark.everything
def test_a_venv_over_python_build_standalone_through_the_link_of_its_minor_version(tmp_path: Path) -> None:
    """uv's upgradable environments name a link, not the installation: the one that it leads to now is packed."""
    python = main_python()
    tree = python_build_standalone(python, tmp_path / f"cpython-{python.version}.7-linux-x86_64-gnu")
    link = tmp_path / f"cpython-{python.version}-linux-x86_64-gnu"
    link.symlink_to(tree.name)
    uv(["venv", "--python", link / "bin/python3", tmp_path / "env"])
    config = tmp_path / "env/pyvenv.cfg"
    config.write_text(config.read_text().replace(str(tree), str(link)))
    executable = tmp_path / "env/bin/python"
    executable.unlink()
    executable.symlink_to(link / f"bin/python{python.version}")
    uv(["pip", "install", "--python", tmp_path / "env", "markupsafe"])
    pack(tmp_path / "env", tmp_path / "bundle")
    check_runs(tmp_path / "bundle", [str(tmp_path / "env"), str(tree), *python.places])


@pytest.mark.everything
def test_docker_s_usr_local_is_packed_without_what_is_not_python_s(tmp_path: Path, root: Path) -> None:
    """The Python of docker's images: under /usr/local among other software, found by ldconfig; and a venv over it."""
    python = main_python()
    prefix = as_usr_local(python, tmp_path / "usr-local")
    opt = tmp_path / "opt"
    cache = tmp_path / "dependencies"
    uv(
        [
            "pip",
            "install",
            "--target",
            cache,
            "click",
            "macholib",
            "packaging",
            "pathspec",
            "pyelftools",
            "rich",
            "tomli",
        ]
    )
    bundler = f"PYTHONPATH={FIXTURES.parent}:{cache} python3 -m bundler"
    install = "python3 -m pip install -q --root-user-action ignore"
    script = (
        f"{install} markupsafe; {bundler} pack /usr/local --out /opt/installation;"
        f" python3 -m venv /opt/venv; /opt/venv/bin/{install} markupsafe; {bundler} pack /opt/venv --out /opt/app"
    )
    done = with_usr_local(prefix, opt, [*python.places], script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list((opt / "installation").rglob("*other-software*"))
    for name in ("installation", "app"):
        check_runs(opt / name, [*python.places])
        done = in_root(root, opt / name, [f"/opt/{name}/bin/python", "-c", CODE], at=f"/opt/{name}")
        assert json.loads(done.stdout)[0] == f"/opt/{name}", done.stderr


@pytest.mark.everything
def test_a_venv_over_a_bundle_packs_and_runs_without_the_bundle(sample: Sample, tmp_path: Path) -> None:
    base = Path(shutil.copytree(sample.bundle, tmp_path / "base", symlinks=True))
    python = Python(str(base / "bin/python"), sample.python.version, "bundle", str(base))
    environment = make("venv", python, tmp_path / "env", ["markupsafe"])
    pack(environment, tmp_path / "bundle")
    assert not (tmp_path / "bundle" / f"lib/python{python.version}/site-packages/numpy").exists()
    check_runs(tmp_path / "bundle", [str(environment), str(base), *sample.originals])


def test_a_bundle_packs_to_itself(sample: Sample, tmp_path: Path) -> None:
    """What is relocatable already needs no change: only the manifest, which tells where things came from, differs."""
    pack(sample.bundle, tmp_path / "again", "--no-verify")
    manifest = json.loads((tmp_path / "again/bundle.json").read_text())
    assert [change["path"] for change in manifest["changed"]] == []
    again, once = manifest["files"], sample.manifest["files"]
    assert isinstance(once, dict)
    written = {path for path in again if path.endswith(".pyc")} - once.keys()  # by Python, in tests that ran the bundle
    assert {path: fact.get("sha256") for path, fact in again.items() if path not in written} == {
        path: fact.get("sha256") for path, fact in once.items()
    }


def test_an_environment_behind_a_link_packs_to_the_same_bundle(sample: Sample, tmp_path: Path) -> None:
    link = tmp_path / ".venv"
    link.symlink_to(sample.environment)
    pack(link, tmp_path / "bundle")
    assert (tmp_path / "bundle/bundle.json").read_bytes() == (sample.bundle / "bundle.json").read_bytes()


def test_an_environment_in_a_folder_of_a_strange_name_packs(tmp_path: Path) -> None:
    python = main_python()
    folder = tmp_path / "we ird é $(x) 'quo\"te"
    environment = quick_environment(folder / "env", ["markupsafe"])
    pack(environment, tmp_path / "bundle")
    check_runs(tmp_path / "bundle", [str(folder), *python.places])
    done = hidden([str(folder), *python.places], [tmp_path / "bundle/bin/pip", "--version"])
    assert os.fspath(tmp_path / "bundle/") in done.stdout, done.stderr
