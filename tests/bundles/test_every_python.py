"""Every Python, and every way of making an environment, packs to a bundle that runs where neither is left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.material.environments import (
    FLAT_PROJECT,
    MAKERS,
    bundler,
    empty_environment,
    make,
    pack,
    quick_environment,
    run,
    tool,
    uv,
)
from tests.material.interpreters import Python, debian_python, every_python, main_python
from tests.material.isolation import hidden, in_root
from tests.material.programs import need
from tests.material.snapshots import snapshot
from tests.material.standalone import installation

CODE = (
    "import sys, ssl, sqlite3, ctypes, markupsafe._speedups, json, sysconfig, site;"
    " print(json.dumps([sys.prefix, sys.base_prefix, sys.path, sysconfig.get_path('purelib'), site.ENABLE_USER_SITE,"
    " markupsafe.__file__]))"
)


def check_runs(bundle: Path, originals: list[str]) -> None:
    """The bundle's Python finds itself, its packages, and nothing else."""
    done = hidden(originals, [bundle / "bin/python", "-c", CODE])
    assert done.returncode == 0, done.stderr
    prefix, base, path, purelib, user_site, package = json.loads(done.stdout)
    assert prefix == base == str(bundle)
    assert [entry for entry in path if entry and not entry.startswith(str(bundle))] == []
    assert purelib.endswith("/site-packages")
    assert purelib in path
    assert package.startswith(purelib)
    assert user_site is False
    done = hidden(originals, [bundle / "bin/python", "-m", "ensurepip", "--version"])
    assert done.returncode == 0, done.stderr


def combinations() -> Sequence[object]:
    """All pairs; the quick tier takes the newest Python with the makers that no other quick test uses."""
    pairs = []
    for python in every_python():
        for maker in MAKERS:
            quick = python.version == "3.13" and maker.startswith(("uv", "virtualenv"))
            if not (python.version == "3.8" and maker == "virtualenv"):  # virtualenv no longer makes them
                marks = [] if quick else [pytest.mark.everything]
                pairs.append(pytest.param(python, maker, id=f"{python}-{maker}", marks=marks))
    return pairs


@pytest.mark.parametrize(("python", "maker"), combinations())
def test_an_environment_runs_where_it_and_its_base_are_gone(tmp_path: Path, python: Python, maker: str) -> None:
    environment = make(maker, python, tmp_path / "env", ["markupsafe"], tmp_path / "uv-cache")
    pack(environment, tmp_path / "packed")
    bundle = (tmp_path / "packed").rename(tmp_path / "moved")
    originals = [str(environment), *([str(tmp_path / "uv-cache")] if (tmp_path / "uv-cache").exists() else [])]
    check_runs(bundle, [*originals, *python.places])


def test_debian_s_python_installs_where_it_looks(tmp_path: Path) -> None:
    python = debian_python()
    if python is None:
        pytest.skip("no Debian Python with venv: apt-get install python3-venv")
    environment = make("venv", python, tmp_path / "env", ["markupsafe"])
    pack(environment, tmp_path / "bundle")
    bundle = (tmp_path / "bundle").rename(tmp_path / "moved")
    originals = [str(environment), *python.places]
    check_runs(bundle, originals)
    project = Path(shutil.copytree(FLAT_PROJECT, tmp_path / "project"))
    uv(["build", "--wheel", project])
    (wheel,) = (project / "dist").glob("*.whl")
    pip: list[str | Path] = [
        bundle / "bin/python",
        "-m",
        "pip",
        "install",
        "--no-index",
        "--disable-pip-version-check",
        wheel,
    ]
    assert hidden(originals, pip).returncode == 0
    code = "import flat_project, sysconfig; print(flat_project.__file__.startswith(sysconfig.get_path('purelib')))"
    assert hidden(originals, [bundle / "bin/python", "-c", code]).stdout.strip() == "True"
    done = hidden(originals, [bundle / "bin/python", "-m", "venv", tmp_path / "inner"])
    assert done.returncode == 0, done.stderr
    done = hidden(originals, [tmp_path / "inner/bin/python", "-c", "import pip, sys; print(pip.__file__, sys.path)"])
    assert done.stdout.startswith(f"{tmp_path}/inner/lib/python{python.version}/site-packages/pip"), done.stderr


def test_uv_s_cache_behind_hard_links_and_symbolic_links_is_left_alone(tmp_path: Path) -> None:
    python = main_python()
    cache = tmp_path / "cache"
    for mode in ("hardlink", "symlink"):
        environment = tmp_path / mode
        uv(["venv", "--python", python.executable, environment], cache=cache)
        install = ["pip", "install", "--link-mode", mode, "--python", environment, "markupsafe", "requests"]
        uv(install, cache=cache)
        before = snapshot(cache, environment)
        pack(environment, tmp_path / f"{mode}-bundle")
        assert snapshot(cache, environment) == before
        check_runs(tmp_path / f"{mode}-bundle", [str(environment), str(cache), *python.places])
    links = [path for path in (tmp_path / "symlink-bundle").rglob("*") if path.is_symlink()]
    assert [path for path in links if os.path.isabs(os.readlink(path))] == []


def test_hard_links_to_a_cache_are_shared_on_request_and_said_so(tmp_path: Path) -> None:
    python = main_python()
    environment = make("uv venv", python, tmp_path / "env", ["markupsafe"], tmp_path / "cache")
    done = pack(environment, tmp_path / "bundle", "--link", "hardlink", "--json")
    assert json.loads(done.stdout)["shared_files"] > 5  # others' files may not be linked to
    module = next((tmp_path / "bundle").glob("lib/python*/site-packages/markupsafe/__init__.py"))
    assert module.samefile(environment / module.relative_to(tmp_path / "bundle"))
    check_runs(tmp_path / "bundle", [str(environment), *python.places])


def test_uv_sync_s_own_project_is_made_real(tmp_path: Path) -> None:
    python = main_python()
    project = Path(shutil.copytree(FLAT_PROJECT, tmp_path / "project"))
    uv(["sync", "--python", python.executable], cwd=project)
    uv(["pip", "install", "--python", project / ".venv", "markupsafe"])
    pack(project / ".venv", tmp_path / "bundle")
    originals = [str(project), *python.places]
    check_runs(tmp_path / "bundle", originals)
    code = "import flat_project; print(flat_project.ANSWER, flat_project.__file__)"
    done = hidden(originals, [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout.split()[0] == "42", done.stderr
    assert "/site-packages/flat_project/" in done.stdout
    packages = tmp_path / f"bundle/lib/python{python.version}/site-packages"
    assert not (packages / "tests").exists()
    assert list(packages.glob("*flat*.pth")) == []
    record = (packages / "flat_project-2.0.dist-info/RECORD").read_text()
    assert "flat_project/__init__.py,sha256=" in record
    assert ".pth" not in record
    assert "direct_url.json" not in record
    assert str(project) not in (tmp_path / "bundle/bundle.json").read_text()


@pytest.mark.everything
@pytest.mark.parametrize("backend", ["uv_build", "hatchling", "flit_core", "poetry.core", "pdm.backend"])
def test_the_editable_of_a_path_is_made_real_for_each_back_end(tmp_path: Path, backend: str) -> None:
    names = {
        "uv_build": ("uv_build", "uv_build"),
        "hatchling": ("hatchling", "hatchling.build"),
        "flit_core": ("flit_core", "flit_core.buildapi"),
        "poetry.core": ("poetry-core", "poetry.core.masonry.api"),
        "pdm.backend": ("pdm-backend", "pdm.backend"),
    }
    python = main_python()
    project = tmp_path / "project"
    package = project / "src/made_real/inner"
    package.mkdir(parents=True)
    (project / "src/made_real/__init__.py").write_text('"""Made real."""\n')
    (package / "__init__.py").write_text("ANSWER = 42\n")
    (project / "README.md").write_text("made real\n")
    poetry = '\n[tool.poetry]\npackages = [{include = "made_real", from = "src"}]\n' if backend == "poetry.core" else ""
    (project / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["{names[backend][0]}"]\nbuild-backend = "{names[backend][1]}"\n'
        f'[project]\nname = "made-real"\nversion = "1"\nreadme = "README.md"\ndescription = "x"\n{poetry}'
    )
    environment = make("venv", python, tmp_path / "env")
    run([environment / "bin/python", "-m", "pip", "install", "-q", "-e", project])
    pack(environment, tmp_path / "bundle")
    code = "import made_real.inner as i; print(i.ANSWER, i.__file__)"
    done = hidden([str(project), str(environment), *python.places], [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout.startswith("42"), done.stderr
    done = run([tmp_path / "bundle/bin/python", "-m", "pip", "freeze"])
    assert "made-real==1" in done.stdout


def test_an_installation_that_stands_by_itself_is_packed_under_any_name(tmp_path: Path, root: Path) -> None:
    """The seed's trick: a Python that was copied to `.venv`; its bundle runs at the same place without the original."""
    python = main_python()
    copied = installation(python, tmp_path / ".venv")
    env = {"LD_LIBRARY_PATH": str(copied / "lib"), "PATH": "/usr/bin:/bin"}
    run([copied / "bin/python3", "-m", "pip", "install", "-q", "markupsafe"], env={**os.environ, **env})
    done = bundler(["pack", copied, "--out", tmp_path / "bundle"], env=env)
    assert done.returncode == 0, done.stderr
    check_runs(tmp_path / "bundle", [str(copied), *python.places])
    done = in_root(root, tmp_path / "bundle", ["/app/.venv/bin/python", "-c", CODE], at="/app/.venv")
    assert json.loads(done.stdout)[0] == "/app/.venv", done.stderr


def test_an_environment_made_from_an_environment_has_the_same_base(tmp_path: Path) -> None:
    python = main_python()
    first = empty_environment(tmp_path / "first")
    run([first / "bin/python", "-m", "venv", "--without-pip", tmp_path / "second"])
    uv(["pip", "install", "--python", tmp_path / "second", "markupsafe"])
    pack(tmp_path / "second", tmp_path / "bundle")
    check_runs(tmp_path / "bundle", [str(first), str(tmp_path / "second"), *python.places])


def test_a_bundle_can_be_packed_again(tmp_path: Path) -> None:
    python = main_python()
    environment = quick_environment(tmp_path / "env", ["markupsafe"])
    pack(environment, tmp_path / "one", "--no-verify")
    pack(tmp_path / "one", tmp_path / "two")
    check_runs(tmp_path / "two", [str(environment), str(tmp_path / "one"), *python.places])
    assert (tmp_path / "two/bin/pip").read_bytes() == (tmp_path / "one/bin/pip").read_bytes()


@pytest.mark.everything
def test_an_extension_built_on_this_machine_brings_its_library(tmp_path: Path) -> None:
    need("pg_config")
    tool("uv")
    python = main_python()
    environment = make("venv", python, tmp_path / "env", ["psycopg2", "markupsafe"])
    pack(environment, tmp_path / "bundle")
    assert (tmp_path / "bundle/lib/bundled/libpq.so.5").exists()
    originals = [str(environment), *python.places]
    done = hidden(
        originals, [tmp_path / "bundle/bin/python", "-c", "import psycopg2; print(psycopg2.__libpq_version__)"]
    )
    assert done.returncode == 0, done.stderr
