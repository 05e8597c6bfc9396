"""Promise 7: pip, venv and C compilers work inside a bundle that was moved."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FLAT_PROJECT, bundler, run, tool, uv
from tests.material.isolation import ENVIRONMENT, hidden


@pytest.fixture
def moved(sample: Sample, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample.bundle, tmp_path / "moved", symlinks=True))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with a package and nothing else."""
    project = Path(shutil.copytree(FLAT_PROJECT, tmp_path_factory.mktemp("wheel") / "project"))
    uv(["build", "--wheel", project])
    return next((project / "dist").glob("*.whl"))


def test_pip_installs_into_a_moved_bundle_and_verify_tells_it_apart(sample: Sample, moved: Path, wheel: Path) -> None:
    pip: list[str | Path] = [moved / "bin/python", "-m", "pip", "--disable-pip-version-check"]
    done = hidden(sample.originals, [*pip, "install", "--no-index", "--no-deps", wheel])
    assert done.returncode == 0, done.stderr
    done = hidden(sample.originals, [moved / "bin/python", "-c", "import flat_project; print(flat_project.__file__)"])
    assert done.stdout.startswith(f"{moved}/lib/python{sample.python.version}/site-packages/flat_project/")
    assert bundler(["verify", moved]).returncode == 0
    strict = bundler(["verify", moved, "--strict", "--no-run", "--json"])
    assert strict.returncode == 3
    assert {fault["kind"] for fault in json.loads(strict.stdout)["faults"]} == {"added"}
    done = hidden(sample.originals, [*pip, "uninstall", "-y", "rich"])
    assert done.returncode == 0, done.stderr
    done = bundler(["verify", moved, "--no-run"])
    assert done.returncode == 0, done.stderr


def test_uv_installs_into_a_bundle_and_writes_scripts_that_move(sample: Sample, moved: Path) -> None:
    tool("uv")
    uv(["pip", "install", "--python", moved, "cowsay"])
    again = moved.rename(moved.parent / "again")
    done = hidden(sample.originals, [again / "bin/cowsay", "-t", "moved"], env=ENVIRONMENT)
    assert "moved" in done.stdout, done.stderr


def test_python_m_venv_makes_a_working_environment_from_a_moved_bundle(
    sample: Sample, moved: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    done = hidden(sample.originals, [moved / "bin/python", "-m", "venv", new])
    assert done.returncode == 0, done.stdout + done.stderr
    code = "import sys, ssl, sqlite3; print(sys.prefix, sys.base_prefix)"
    done = hidden(sample.originals, [new / "bin/python", "-c", code])
    assert done.stdout.split() == [str(new), str(moved)], done.stderr
    assert hidden(sample.originals, [new / "bin/pip", "--version"]).returncode == 0


def test_sysconfig_reports_paths_under_the_bundle(sample: Sample, moved: Path) -> None:
    code = (
        "import sysconfig, json; print(json.dumps([sysconfig.get_paths(), sysconfig.get_config_vars('LIBDIR', 'INCLUDEPY',"
        " 'prefix', 'LIBPL', 'BINDIR', 'LIBDEST')]))"
    )
    done = hidden(sample.originals, [moved / "bin/python", "-c", code])
    paths, variables = json.loads(done.stdout)
    assert {path for path in (*paths.values(), *variables) if not path.startswith(str(moved))} == set()
    assert os.path.isfile(f"{paths['include']}/Python.h") == os.path.isdir(moved / "include")


def test_the_data_of_sysconfig_works_as_text_and_from_standard_input(sample: Sample, moved: Path) -> None:
    data = next((moved / f"lib/python{sample.python.version}").glob("_sysconfigdata*.py"))
    text = data.read_text() + "\nprint(build_time_vars['LIBDIR'], build_time_vars['EXT_SUFFIX'])\n"
    done = run([moved / "bin/python", "-"], input=text)
    assert done.stdout.split()[0] == f"{moved}/lib"


def test_a_c_extension_is_compiled_against_a_moved_bundle(sample: Sample, moved: Path, tmp_path: Path) -> None:
    if not (moved / "include").is_dir():
        pytest.skip("the base has no headers: apt-get install python3-dev")
    source = tmp_path / "fortytwo.c"
    source.write_text(
        "#include <Python.h>\n"
        'static struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "fortytwo", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_fortytwo(void) {\n"
        '    PyObject *o = PyModule_Create(&m); PyModule_AddIntConstant(o, "x", 42); return o; }\n'
    )
    script = f"eval gcc -shared -fPIC $({moved}/bin/python3-config --includes) {source} -o {tmp_path}/fortytwo.so"
    done = hidden(sample.originals, ["sh", "-c", script])
    assert done.returncode == 0, done.stderr
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fortytwo; print(fortytwo.x)"
    assert hidden(sample.originals, [moved / "bin/python", "-c", code]).stdout.strip() == "42"


def test_pkg_config_follows_the_bundle(sample: Sample, moved: Path) -> None:
    if shutil.which("pkg-config") is None:
        pytest.skip("pkg-config is not installed")
    name = f"python-{sample.python.version}"
    if not (moved / f"lib/pkgconfig/{name}.pc").exists():
        pytest.skip("the base has no pkg-config file: apt-get install python3-dev")
    env = {**ENVIRONMENT, "PKG_CONFIG_PATH": f"{moved}/lib/pkgconfig"}
    done = hidden(sample.originals, ["pkg-config", "--variable=includedir", name], env=env)
    assert os.path.normpath(done.stdout.strip()) == f"{moved}/include", done.stderr
