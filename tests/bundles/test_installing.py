"""A moved bundle is still an environment: installers, build tools, other environments, editors. On every Python."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.environments import bundler, clean, make, pack, quick_environment, run, skip_without_index, tool, uv
from tests.material.interpreters import Python, every_python, main_python
from tests.material.isolation import ENVIRONMENT, hidden
from tests.material.own_wheels import scripts_wheel
from tests.material.programs import find, need

EXTENSION = (
    "#include <Python.h>\n"
    'static struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "fortytwo", 0, -1, 0};\n'
    "PyMODINIT_FUNC PyInit_fortytwo(void) {\n"
    '    PyObject *o = PyModule_Create(&m); PyModule_AddIntConstant(o, "x", 42); return o; }\n'
)
PROGRAM = """
#include <Python.h>
int main(int argc, char **argv) {
    wchar_t *home = Py_DecodeLocale(argv[1], NULL);
    Py_SetPythonHome(home);
    Py_Initialize();
    int failed = PyRun_SimpleString("import sys, ssl, math, zlib; print(sys.prefix, 6 * 7)");
    return Py_FinalizeEx() || failed;
}
"""


@dataclass(frozen=True)
class Plain:
    """A moved bundle with pip and nothing else; what it came from must be hidden while it runs."""

    python: Python
    bundle: Path
    originals: tuple[str, ...]

    def run(self, *command: str | Path, **env: str) -> str:
        """The output of a command that runs where the originals are hidden, and must succeed."""
        # What the installers need to reach their index.
        passed = {key: value for key, value in clean().items() if key.startswith(("PIP_", "UV_", "SSL_", "HOME"))}
        done = hidden(self.originals, command, env={**passed, **ENVIRONMENT, **env})
        if done.returncode != 0:
            skip_without_index(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def pip(self, *arguments: str | Path) -> str:
        return self.run(self.bundle / "bin/python", "-m", "pip", "--disable-pip-version-check", *arguments)


def plain_bundle(python: Python, folder: Path) -> Plain:
    environment = folder / "env"
    if python == main_python():
        quick_environment(environment, [])
    else:
        make("venv", python, environment)
    pack(environment, folder / "packed", "--no-verify")
    (folder / "else where").mkdir()
    bundle = (folder / "packed").rename(folder / "else where/app")
    return Plain(python, bundle, (str(environment), *python.places))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plain:
    return plain_bundle(main_python(), tmp_path_factory.mktemp("plain"))


def check_configuration(plain: Plain, folder: Path) -> None:
    """`sysconfig`, `python-config` and `pkg-config` name the bundle and nothing that is gone."""
    bundle, version = plain.bundle, plain.python.version
    code = (
        "import sysconfig, json; print(json.dumps([sysconfig.get_paths(), sysconfig.get_config_vars()"
        ", sysconfig.get_makefile_filename(), sysconfig.get_config_h_filename()]))"
    )
    paths, variables, makefile, header = json.loads(plain.run(bundle / "bin/python", "-c", code))
    for path in (*paths.values(), *(variables[name] for name in ("LIBDIR", "INCLUDEPY", "prefix", "LIBPL", "BINDIR"))):
        assert path.startswith(f"{bundle}/"[:-1]), path
    if plain.python.prefix != "/usr":
        assert plain.python.prefix not in json.dumps(variables)
        assert os.path.exists(makefile)
        assert os.path.exists(header)
    data = next(bundle.glob(f"lib/python{version}*/_sysconfigdata*.py"))
    text = data.read_text() + "\nprint(build_time_vars['LIBDIR'], build_time_vars['EXT_SUFFIX'], sep='|')\n"
    (folder / "data.py").write_text(text)
    assert plain.run(bundle / "bin/python", folder / "data.py").split("|")[0] == f"{bundle}/lib"
    done = plain.run("sh", "-c", f'"{bundle}/bin/python" - < "{folder}/data.py"')
    assert done.split("|")[0] == f"{bundle}/lib"
    config = bundle / f"bin/python{version}-config"
    if config.exists():
        for option in ("--prefix", "--exec-prefix"):
            assert plain.run(config, option).strip() == str(bundle), option
        for option in ("--includes", "--cflags", "--ldflags", "--configdir"):
            said = plain.run(config, option)
            assert plain.python.prefix + "/lib" not in said and plain.python.prefix + "/include" not in said, said
            assert option == "--cflags" or str(bundle) in said
    for name in (f"python-{version}", f"python-{version}-embed"):
        if (bundle / f"lib/pkgconfig/{name}.pc").exists() and find("pkg-config"):
            said = plain.run("pkg-config", "--variable=prefix", name, PKG_CONFIG_PATH=str(bundle / "lib/pkgconfig"))
            assert os.path.normpath(said.strip().replace("\\ ", " ")) == str(bundle)


def check_compiling(plain: Plain, folder: Path) -> None:
    """A C extension and a program that embeds Python are compiled with what `python-config` says."""
    bundle, version = plain.bundle, plain.python.version
    config = bundle / f"bin/python{version}-config"
    need("gcc")
    if not (bundle / f"include/python{version}/Python.h").exists():
        pytest.skip("no headers of Python here: apt-get install python3-dev")
    # python-config quotes nothing: a place with spaces is of no use to a compiler.
    place = Path(shutil.copytree(bundle, folder / "place", symlinks=True, copy_function=os.link))
    (folder / "config").symlink_to(place / f"bin/python{version}-config")
    config = folder / "config"
    include = f"-I{place}/include/python{version}"
    (folder / "fortytwo.c").write_text(EXTENSION)
    plain.run("gcc", "-shared", "-fPIC", include, folder / "fortytwo.c", "-o", folder / "fortytwo.so")
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import fortytwo; print(fortytwo.x)"
    assert plain.run(bundle / "bin/python", "-c", code).strip() == "42"
    (folder / "program.c").write_text(PROGRAM)
    script = (
        f'gcc -w $({config} --embed --cflags) "{folder}/program.c" -o "{folder}/program" -rdynamic'
        f" $({config} --embed --ldflags) -Wl,-rpath,{place}/lib"
    )
    if list((place / "lib").glob(f"libpython{version}*.so")):
        plain.run("sh", "-c", script)
        assert plain.run(folder / "program", place) == f"{place} 42\n"


def check_environments(plain: Plain, folder: Path) -> None:
    """`python -m venv`, with links and with copies, makes environments that work."""
    code = (
        "import sys, ssl, sqlite3, ctypes; print(sys.prefix, sys.base_prefix, sep='|');"
        " print(*{line.split(None, 5)[5] for line in open('/proc/self/maps') if '.so' in line}, sep='', end='')"
    )
    for name, options in (("linked", ["--symlinks"]), ("copied", ["--copies"])):
        new = folder / name
        plain.run(plain.bundle / "bin/python", "-m", "venv", *options, new)
        assert (new / "bin/python").is_symlink() == (name == "linked")
        answer, *mapped = plain.run(new / "bin/python", "-c", code).splitlines()
        assert answer.split("|") == [str(new), str(plain.bundle)]
        libraries = [path for path in mapped if re.search("lib(python|ssl|sqlite3|ffi)", os.path.basename(path))]
        assert libraries
        assert [path for path in libraries if not path.startswith(str(plain.bundle))] == []
        assert plain.run(new / "bin/pip", "--version").startswith("pip ")


def check_environments_through_a_link(plain: Plain, folder: Path) -> None:
    """`python -m venv` by a link from outside makes an environment of the bundle, not of the link's folder."""
    for target, options in (("python", []), (f"python{plain.python.version}", ["--without-pip"])):
        link = folder / f"my-{target}"
        link.symlink_to(plain.bundle / "bin" / target)
        plain.run(link, "-m", "venv", *options, folder / f"by-{target}")
        code = "import sys; print(sys.prefix, sys.base_prefix, sep='|')"
        answer = plain.run(folder / f"by-{target}/bin/python", "-c", code).strip()
        assert answer.split("|") == [str(folder / f"by-{target}"), str(plain.bundle)]
    assert plain.run(folder / "by-python/bin/pip", "--version").startswith("pip ")


CHECKS: Sequence[Callable[[Plain, Path], None]] = (
    check_configuration,
    check_compiling,
    check_environments,
    check_environments_through_a_link,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_a_moved_bundle_is_configured_compiles_and_makes_environments(
    plain: Plain, tmp_path: Path, check: Callable[[Plain, Path], None]
) -> None:
    check(plain, tmp_path)


@pytest.mark.everything
@pytest.mark.parametrize("python", [python for python in every_python() if python != main_python()], ids=str)
def test_the_same_on_every_python(python: Python, tmp_path: Path) -> None:
    plain = plain_bundle(python, tmp_path)
    for check in CHECKS:
        (tmp_path / check.__name__).mkdir()
        check(plain, tmp_path / check.__name__)


def source_archive(folder: Path) -> Path:
    """A source distribution with a module in C."""
    project = folder / "fortytwo-1.0"
    project.mkdir()
    (project / "fortytwo.c").write_text(EXTENSION)
    (project / "setup.py").write_text(
        "from setuptools import Extension, setup\n"
        "setup(name='fortytwo', version='1.0', ext_modules=[Extension('fortytwo', ['fortytwo.c'])])\n"
    )
    archive = folder / "fortytwo-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(project, project.name)
    return archive


def test_pip_installs_checks_and_uninstalls_a_wheel_and_a_source_archive_with_c(plain: Plain, tmp_path: Path) -> None:
    need("gcc")
    if not next(plain.bundle.glob("include/*/Python.h"), None):
        pytest.skip("no headers of Python here: apt-get install python3-dev")
    plain.pip("install", "-q", scripts_wheel(tmp_path, "one"), source_archive(tmp_path))
    code = "import fortytwo; print(fortytwo.x, fortytwo.__file__)"
    answer = plain.run(plain.bundle / "bin/python", "-c", code).split(" ", 1)
    assert answer[0] == "42"
    assert answer[1].startswith(f"{plain.bundle}/lib/")
    assert json.loads(plain.run(plain.bundle / "bin/one-console"))[0] == "one-console"
    assert "No broken requirements" in plain.pip("check")
    plain.pip("uninstall", "-q", "-y", "one", "fortytwo")
    assert not (plain.bundle / "bin/one-console").exists()


def test_uv_pip_installs_scripts_that_move_and_uninstalls(plain: Plain, tmp_path: Path) -> None:
    wheel = scripts_wheel(tmp_path, "two")
    for named in (plain.bundle, plain.bundle / "bin/python"):
        uv(["pip", "install", "--python", named, "--no-index", wheel])
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(plain.bundle / "bin/two-console")
        assert json.loads(plain.run(tmp_path / "link"))[3] == str(plain.bundle)
        assert str(plain.bundle) not in (plain.bundle / "bin/two-console").read_text()
        uv(["pip", "uninstall", "--python", named, "two"])
        assert not (plain.bundle / "bin/two-console").exists()


@pytest.mark.parametrize("options", [[], ["--copies"]], ids=["links", "copies"])
def test_virtualenv_makes_an_environment_on_top(plain: Plain, tmp_path: Path, options: list[str]) -> None:
    new = tmp_path / "new"
    run([tool("virtualenv"), "-q", *options, "--python", plain.bundle / "bin/python", new])
    code = "import sys, ssl, sqlite3; print(sys.prefix, sys.base_prefix, sep='|')"
    assert plain.run(new / "bin/python", "-c", code).strip().split("|") == [str(new), str(plain.bundle)]
    assert plain.run(new / "bin/pip", "--version").startswith("pip ")


def uv_project(python: Python, tmp_path: Path) -> Path:
    """A project whose `.venv` is a bundle of what `uv sync` made."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("one", "two"):
        scripts_wheel(tmp_path, name)
    write_project(project, "one")
    uv(["sync", "--python", python.executable], cwd=project)
    (project / ".venv").rename(tmp_path / "env")
    pack(tmp_path / "env", project / ".venv", "--no-verify")
    shutil.rmtree(tmp_path / "env")
    return project


def write_project(project: Path, *names: str) -> None:
    sources = "".join(f'{name} = {{ path = "../{name}-1.0-py3-none-any.whl" }}\n' for name in names)
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.8"\ndependencies = {list(names)}\n'
        f"[tool.uv.sources]\n{sources}"
    )


def is_untouched(bundle: Path) -> bool:
    return (bundle / "bundle.json").exists() and not (bundle / "bin/python").resolve().is_symlink()


def test_uv_sync_and_uv_run_accept_a_bundle_as_the_project_s_environment(tmp_path: Path) -> None:
    project = uv_project(main_python(), tmp_path)
    bundle = project / ".venv"
    uv(["sync"], cwd=project)
    assert is_untouched(bundle)
    done = run([tool("uv"), "-q", "run", "one-console", "a b"], cwd=project)
    assert json.loads(done.stdout) == ["one-console", ["a b"], str(project), str(bundle)]
    write_project(project, "one", "two")
    uv(["sync"], cwd=project)
    assert is_untouched(bundle)
    done = run([tool("uv"), "-q", "run", "two-console"], cwd=project)
    assert json.loads(done.stdout)[3] == str(bundle)
    # uv's own header displaces a docstring (astral-sh/uv#6489); `bundler fix` writes one that does not.
    assert bundler(["fix", bundle]).returncode == 0
    run([bundle / "bin/two-doc"])
    # The environment that an activated shell names is the project's, so nothing is rebuilt either.
    env = {**clean(), "VIRTUAL_ENV": str(bundle), "PATH": f"{bundle}/bin:{os.environ['PATH']}"}
    run([tool("uv"), "-q", "sync"], cwd=project, env=env)
    assert is_untouched(bundle)
    moved = bundle.rename(tmp_path / "moved")
    assert json.loads(run([moved / "bin/two-console"]).stdout)[3] == str(moved)


@pytest.mark.everything
def test_uv_deletes_a_bundle_that_has_another_python_than_it_is_asked_for(tmp_path: Path) -> None:
    others = [python for python in every_python() if python.version not in (main_python().version, "3.8")]
    if not others:
        pytest.skip("needs two Pythons")
    project = uv_project(main_python(), tmp_path)
    done = subprocess.run(
        [tool("uv"), "sync", "--python", others[-1].executable], cwd=project, capture_output=True, text=True,
        env=clean(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (project / ".venv/bundle.json").exists(), "the docs say that uv removes it"


def test_what_editors_and_tools_look_for_is_there(plain: Plain) -> None:
    """VS Code's locator, PyCharm, poetry and virtualenv: their rules, not their programs."""
    bundle = plain.bundle
    config = (bundle / "pyvenv.cfg").read_text()
    # VS Code: pyvenv.cfg beside bin, a version of three parts in it, no dangling link, and one prefix by every name.
    version = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", config, re.MULTILINE)
    assert version is not None
    code = "import sys, json; print(json.dumps([sys.prefix, '%d.%d.%d' % sys.version_info[:3], sys.executable]))"
    for name in ("python", "python3", f"python{plain.python.version}"):
        executable = bundle / "bin" / name
        assert executable.resolve().is_file()
        assert executable.resolve().parent == bundle / "bin"
        assert json.loads(plain.run(executable, "-c", code)) == [str(bundle), version[1], str(executable)]
    # poetry and PyCharm: an executable bin/python, and activation beside it; nothing that forbids installing.
    assert os.access(bundle / "bin/activate", os.R_OK)
    assert list(bundle.glob("lib*/python*/EXTERNALLY-MANAGED")) == []
    assert "home" not in config


@pytest.mark.everything
def test_tox_runs_its_environments_on_a_bundle(plain: Plain, tmp_path: Path) -> None:
    (tmp_path / "tox.toml").write_text(
        'requires = ["tox>=4.21"]\nno_package = true\nenv_list = ["a"]\n[env_run_base]\nbase_python = '
        f'["{plain.bundle}/bin/python"]\ncommands = [["python", "-c", "import sys; print(sys.base_prefix)"]]\n'
    )
    done = subprocess.run(
        [tool("uv"), "-q", "tool", "run", "tox", "-q"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=clean(),
        check=False,
    )
    assert str(plain.bundle) in done.stdout.splitlines(), done.stdout + done.stderr


@pytest.mark.everything
def test_poetry_installs_into_a_bundle_that_is_the_project_s_environment(plain: Plain, tmp_path: Path) -> None:
    project = tmp_path / "project"
    bundle = Path(shutil.copytree(plain.bundle, project / ".venv", symlinks=True, copy_function=os.link))
    wheel = scripts_wheel(tmp_path, "one")
    (project / "pyproject.toml").write_text(
        '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.8"\n'
        f'dependencies = ["one @ {wheel.as_uri()}"]\n[tool.poetry]\npackage-mode = false\n'
    )
    env = {**clean(), "POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    poetry = [tool("uv"), "-q", "tool", "run", "poetry", "--no-interaction"]
    run([*poetry, "install"], cwd=project, env=env)
    assert is_untouched(bundle)
    done = run([*poetry, "run", "one-console"], cwd=project, env=env)
    assert json.loads(done.stdout)[3] == str(bundle)
