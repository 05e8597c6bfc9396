"""Editable installs of every back end are whole in a bundle: their projects may be gone."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.environments import SLIM, bundler, clean, make, pack, run, tool, uv
from tests.material.interpreters import main_python, pyenv_pythons
from tests.material.isolation import hidden
from tests.material.projects import BY_PIP, FINDER, MATURIN, SOURCE_FOLDER, Project
from tests.material.snapshots import snapshot


@dataclass(frozen=True)
class Workshop:
    """An environment with editables, and the folder of their projects."""

    environment: Path
    projects: Path
    installed: tuple[Project, ...]

    def site_packages(self) -> Path:
        return next((self.environment / "lib").glob("python*/site-packages"))

    def run(self, bundle: Path, code: str) -> str:
        """What the bundle's Python prints where neither the environment nor the projects are left."""
        places: list[str | Path] = [self.environment, self.projects, *main_python().places]
        done = hidden(places, [bundle / "bin/python", "-W", "error", "-c", code])
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout.strip()


def workshop(where: Path, projects: tuple[Project, ...]) -> Workshop:
    """Projects installed by uv with what their back ends need in the environment itself, so that nothing is fetched later."""
    environment = make("uv venv", main_python(), where / "env")
    # copies: a hard link to the cache would show what other tests do with it
    install: list[str | Path] = [tool("uv"), "-q", "pip", "install", "--link-mode", "copy", "--python", environment]
    run([*install, *dict.fromkeys(need for project in projects for need in ("wheel", *project.needs))])
    variables = clean()
    variables["PATH"] = f"{environment}/bin:{variables['PATH']}"
    for project in projects:
        settings = [word for setting in project.settings for word in ("--config-settings", setting)]
        folder = project.write(where / "projects")
        run([*install, "--no-build-isolation", "--no-deps", *settings, "-e", folder], env=variables)
    return Workshop(environment, where / "projects", projects)


@pytest.fixture(scope="module")
def every_back_end(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """Beside what pip installs: the compiled module of a maturin project with PyO3, imitated.

    PyO3 comes from crates.io, which a test may not have; `maturin develop` and editable wheels put the module beside the Python
    sources (maturin.rs, "Mixed Rust/Python projects").
    """
    tool("cargo")
    shop = workshop(tmp_path_factory.mktemp("every-back-end"), BY_PIP)
    built = next((shop.projects / FINDER.name).rglob("_core.*.so"))
    shutil.copy(built, shop.projects / MATURIN.name / "python/by_maturin" / built.name)
    return shop


def check_all(shop: Workshop, bundle: Path) -> None:
    modules = [module for project in shop.installed for module in project.modules]
    code = f"import importlib; print(*(importlib.import_module(name).__file__ for name in {modules}), sep='\\n')"
    files = shop.run(bundle, code).splitlines()
    assert len(files) == len(modules)
    assert [file for file in files if not file.startswith(f"{bundle}/")] == []
    assert [name for name in shop.run(bundle, "import sys; print(*sys.meta_path)").split() if "dit" in name] == []


@pytest.mark.everything
def test_a_copy_of_every_back_end_s_editable_works_without_its_project(
    every_back_end: Workshop, tmp_path: Path
) -> None:
    before = snapshot(every_back_end.environment, every_back_end.projects)
    done = pack(every_back_end.environment, tmp_path / "bundle", *SLIM, "--json")
    assert snapshot(every_back_end.environment, every_back_end.projects) == before
    check_all(every_back_end, tmp_path / "bundle")
    assert every_back_end.run(tmp_path / "bundle", "from by_maturin import _core; print(_core.answer)") == "42"
    code = (
        "import importlib.util as u, importlib.resources as r, importlib.metadata as m;"
        f"print([name for name in {[name for project in BY_PIP for name in project.absent]} if u.find_spec(name)]);"
        "print(*(r.files(p).joinpath(f).read_text().strip() for p, f in ((('scikit_redirect', 'data.txt')),"
        " ('scikit_redirect', 'table.csv'), ('finder_two', 'data.txt'))));"
        "d = m.distribution('by_meson'); print(all(f.locate().exists() for f in d.files), len(d.files) > 4)"
    )
    assert every_back_end.run(tmp_path / "bundle", code).splitlines() == ["[]", "data 1,2 x", "True True"]
    notes = json.loads(done.stdout)["notes"]
    for project in BY_PIP:
        (note,) = [
            note
            for note in notes
            if note.startswith((f"editable {project.name} ", f"editable {project.name.replace('_', '-')} "))
        ]
        assert f"({project.tells})" in note


@pytest.mark.everything
def test_every_back_end_builds_a_wheel_from_a_copy_without_the_network(
    every_back_end: Workshop, tmp_path: Path
) -> None:
    before = snapshot(every_back_end.environment, every_back_end.projects)
    done = pack(every_back_end.environment, tmp_path / "bundle", *SLIM, "--json", "--editable", "build")
    assert snapshot(every_back_end.environment, every_back_end.projects) == before
    check_all(every_back_end, tmp_path / "bundle")
    notes = "\n".join(json.loads(done.stdout)["notes"])
    for back_end in ("setuptools.build_meta", "scikit_build_core.build", "mesonpy", "maturin", "hatchling.build"):
        assert f"({back_end})" in notes
    assert not list((tmp_path / "bundle").rglob("left_out.txt"))


@pytest.fixture(scope="module")
def setuptools_only(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return workshop(tmp_path_factory.mktemp("setuptools-only"), (FINDER, SOURCE_FOLDER))


def test_a_finder_becomes_its_packages(setuptools_only: Workshop, tmp_path: Path) -> None:
    pack(setuptools_only.environment, tmp_path / "bundle", *SLIM)
    check_all(setuptools_only, tmp_path / "bundle")
    left = [path.name for path in (tmp_path / "bundle").rglob("*") if "__editable__" in path.name]
    assert left == []
    code = (
        "import importlib.metadata as m; d = m.distribution('st_finder');"
        "print(sorted(str(f) for f in d.files if str(f).startswith('finder_two') and 'pycache' not in str(f)))"
    )
    listed = setuptools_only.run(tmp_path / "bundle", code)
    assert listed == "['finder_two/__init__.py', 'finder_two/data.txt', 'finder_two/sub/__init__.py']"


def test_editable_error_refuses_all_of_them_by_name(setuptools_only: Workshop, tmp_path: Path) -> None:
    done = bundler(["pack", *SLIM, setuptools_only.environment, "--out", tmp_path / "bundle", "--editable", "error"])
    assert done.returncode == 1
    for project in setuptools_only.installed:
        assert str(setuptools_only.projects / project.name) in done.stderr
    assert not (tmp_path / "bundle").exists()


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine, and who called."""
    calls: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                calls.append("called")
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], calls
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.everything
def test_a_build_has_the_network_only_when_asked(tmp_path: Path, server: tuple[int, list[str]]) -> None:
    port, calls = server
    setup = f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)\n"
    shop = workshop(tmp_path, (SOURCE_FOLDER,))
    project = shop.projects / SOURCE_FOLDER.name
    (project / "setup.py").write_text(setup + (project / "setup.py").read_text())
    done = bundler(["pack", *SLIM, shop.environment, "--out", tmp_path / "bundle", "--editable", "build"])
    assert (done.returncode, calls) == (1, []), done.stderr
    assert "st-src: setuptools.build_meta builds no wheel" in done.stderr.replace("st_src", "st-src")
    assert not (tmp_path / "bundle").exists()
    uv(["pip", "uninstall", "--python", shop.environment, "setuptools"])
    done = bundler(["pack", *SLIM, shop.environment, "--out", tmp_path / "bundle", "--editable", "build"])
    assert "its back end setuptools.build_meta cannot be imported" in done.stderr
    assert "--build-network" in done.stderr
    pack(shop.environment, tmp_path / "bundle", *SLIM, "--editable", "build", "--build-network")
    assert calls != []
    check_all(shop, tmp_path / "bundle")


def test_an_egg_link_of_setup_py_develop_becomes_its_packages_scripts_and_metadata(tmp_path: Path) -> None:
    """The setuptools that comes with Python 3.8 to 3.11."""
    python = next((python for python in pyenv_pythons() if python.version in ("3.10", "3.11")), None)
    if python is None:
        pytest.skip("no Python with setuptools in its ensurepip: pyenv install 3.11")
    environment = make("venv", python, tmp_path / "env")
    project = tmp_path / "project"
    (project / "eggy").mkdir(parents=True)
    (project / "tests").mkdir()
    (project / "tests/__init__.py").write_text("")
    (project / "eggy/__init__.py").write_text("def main():\n    print('egg')\n")
    (project / "plain.py").write_text("#!/usr/bin/env python\nimport eggy\neggy.main()\n")
    (project / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='Eggy-Thing', version='1.2', packages=['eggy'], scripts=['plain.py'],"
        " entry_points={'console_scripts': ['eggy=eggy:main']})\n"
    )
    run([environment / "bin/python", "setup.py", "-q", "develop"], cwd=project)
    pth = next(environment.rglob("easy-install.pth"))
    pth.write_text(pth.read_text() + f"{pth.parent}/pip/_vendor\n")
    pack(environment, tmp_path / "bundle", *SLIM)
    originals: list[str | Path] = [environment, project, *python.places]
    for script in ("eggy", "plain.py"):
        done = hidden(originals, [tmp_path / "bundle/bin" / script])
        assert done.stdout == "egg\n", done.stderr
    code = (
        "import importlib.metadata as m, importlib.util as u, os, sys;"
        "print(m.version('eggy-thing'), u.find_spec('tests'), os.path.relpath(sys.path[-1], sys.prefix + '/lib'))"
    )
    done = hidden(originals, [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout == f"1.2 None python{python.version}/site-packages/pip/_vendor\n", done.stderr
    assert not list((tmp_path / "bundle").rglob("*.egg-link"))


def test_two_editables_of_a_workspace_that_depend_on_each_other(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    for name, other in (("left", "right"), ("right", "left")):
        module = root / f"packages/{name}/src/shared/{name}"
        module.mkdir(parents=True)
        (module / "__init__.py").write_text(
            f"def name():\n    import shared.{other}\n    return shared.{other}.__name__\n"
        )
        (root / f"packages/{name}/pyproject.toml").write_text(
            '[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n'
            f'[project]\nname = "{name}"\nversion = "1"\ndependencies = ["{other}"]\n'
            f"[tool.uv.sources]\n{other} = {{ workspace = true }}\n"
        )
    (root / "pyproject.toml").write_text(
        '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = ["left"]\n'
        '[tool.uv.workspace]\nmembers = ["packages/*"]\n[tool.uv.sources]\nleft = { workspace = true }\n'
    )
    python = main_python()
    variables = clean() | {"UV_CACHE_DIR": str(tmp_path / "cache")}
    run([tool("uv"), "-q", "sync", "--python", python.executable], env=variables, cwd=root)
    done = pack(root / ".venv", tmp_path / "bundle", "--profile", "full", "--json")
    assert len(json.loads(done.stdout)["notes"]) == 2
    code = "import shared.left, shared.right; print(shared.left.name(), shared.right.name(), shared.left.__file__)"
    done = hidden([root, tmp_path / "cache", *python.places], [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout.startswith(f"shared.right shared.left {tmp_path}/bundle/"), done.stderr


def test_a_path_that_somebody_put_into_a_pth_file_comes_along(tmp_path: Path) -> None:
    python = main_python()
    environment = make("uv venv", python, tmp_path / "env", cache=tmp_path / "cache")
    (tmp_path / "lib/by_hand").mkdir(parents=True)
    (tmp_path / "lib/by_hand/__init__.py").write_text("")
    site_packages = next((environment / "lib").glob("python*/site-packages"))
    (site_packages / "mine.pth").write_text(f"# mine\n{tmp_path}/lib\nimport sys; sys.mine = 1\n")
    uv(["pip", "list", "--python", environment])
    pack(environment, tmp_path / "bundle", *SLIM)
    code = "import by_hand, sys; print(by_hand.__file__, sys.mine)"
    done = hidden([environment, tmp_path / "lib", *python.places], [tmp_path / "bundle/bin/python", "-c", code])
    assert done.stdout.startswith(f"{tmp_path}/bundle/lib/python"), done.stderr
    assert done.stdout.endswith("/by_hand/__init__.py 1\n")
