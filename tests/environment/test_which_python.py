"""Which Python an environment means, and that it says so with one voice: of every maker, with and without running it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bundler import environment as environments
from bundler.environment import find_environment, load_environment
from bundler.environment.standard_library import find_standard_library
from bundler.errors import ContradictoryEnvironment, UnsupportedEnvironment
from tests.material.debian import debian_packages
from tests.material.environments import empty_environment, run, tool
from tests.material.interpreters import main_python

VERSION = main_python().version
OLDER = "3.8"
"""What the other Python is called that `home` holds; it never runs."""


def prefix(where: Path) -> Path:
    """A prefix with this machine's Python, under its versioned name alone."""
    python = main_python()
    (where / "bin").mkdir(parents=True)
    (where / "lib").mkdir()
    shutil.copy(os.path.realpath(python.executable), where / f"bin/python{VERSION}")
    (where / f"lib/python{VERSION}").symlink_to(f"{python.prefix}/lib/python{VERSION}")
    for library in Path(python.prefix, "lib").glob(f"libpython{VERSION}*.so*"):
        shutil.copy(library, where / "lib", follow_symlinks=False)
    (where / "include").symlink_to(f"{python.prefix}/include")
    return where


def add_older(where: Path, name: str = OLDER) -> None:
    """A second Python beside the first, as far as files tell; it is what `python3` means from now on."""
    stdlib = where / f"lib/python{name}"
    stdlib.mkdir()
    for file in (where / f"lib/python{VERSION}").iterdir():
        if file.name in ("os.py", "site.py") or file.name.startswith("_sysconfigdata"):
            shutil.copy(file, stdlib)
    shutil.copy("/bin/true", where / f"bin/python{name}")
    (where / "bin/python3").symlink_to(f"python{name}")


COMMANDS: dict[str, list[str]] = {
    "venv": ["{python}", "-m", "venv", "--without-pip", "{env}"],
    "venv --copies": ["{python}", "-m", "venv", "--without-pip", "--copies", "{env}"],
    "virtualenv": ["virtualenv", "-q", "--no-seed", "-p", "{python}", "{env}"],
    "virtualenv --copies": ["virtualenv", "-q", "--no-seed", "--copies", "-p", "{python}", "{env}"],
    "uv": ["uv", "-q", "venv", "--python", "{python}", "{env}"],
}


def make(maker: str, base: Path, where: Path) -> Path:
    words = [word.format(python=base / f"bin/python{VERSION}", env=where) for word in COMMANDS[maker]]
    run([words[0] if words[0].startswith("/") else tool(words[0]), *words[1:]])
    return where


@pytest.mark.parametrize("maker", COMMANDS)
def test_beside_an_older_python3_it_is_the_one_that_the_environment_was_made_with(maker: str, tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make(maker, base, tmp_path / "env")
    add_older(base)
    probed, read = load_environment(str(environment)), load_environment(str(environment), run=False)
    assert probed.interpreter.base_prefix == str(base)
    assert replace(read, probed=True) == probed


def test_an_environment_of_copies_says_by_its_folder_alone_what_it_is(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make("venv --copies", base, tmp_path / "env")
    add_older(base)
    (environment / "pyvenv.cfg").write_text(f"home = {base}/bin\n")
    assert load_environment(str(environment), run=False).interpreter.short_version == VERSION


def test_a_python3_of_another_release_is_not_the_base_s_executable(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make("venv --copies", base, tmp_path / "env")
    add_older(base)
    (base / f"bin/python{VERSION}").unlink()
    for probed in (True, False):
        loaded = load_environment(str(environment), run=probed)
        assert loaded.interpreter.executable == str(environment / "bin/python")


def test_a_free_threaded_python_beside_another_is_told_by_its_name(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make("venv --copies", base, tmp_path / "env")
    (base / f"bin/python{VERSION}").rename(base / f"bin/python{VERSION}t")
    add_older(base, f"{VERSION}t")
    (environment / f"lib/python{VERSION}").rename(environment / f"lib/python{VERSION}t")
    (environment / "pyvenv.cfg").write_text(f"home = {base}/bin\nversion = {VERSION}.1\n")
    assert find_standard_library(find_environment(str(environment))).stdlib == str(base / f"lib/python{VERSION}t")


def edited(environment: Path, key: str, value: str) -> None:
    config = environment / "pyvenv.cfg"
    kept = [line for line in config.read_text().splitlines() if line.partition("=")[0].strip() != key]
    config.write_text("\n".join([*kept, f"{key} = {value}"]) + "\n")


def contradiction(environment: Path, *words: str, run: bool) -> None:
    with pytest.raises(ContradictoryEnvironment) as caught:
        load_environment(str(environment), run=run)
    assert [word for word in words if word not in caught.value.message] == [], caught.value.message
    assert caught.value.hint


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    empty_environment(folder / "env")
    return folder / "env"


@pytest.fixture
def environment(original: Path, tmp_path: Path) -> Path:
    """A venv without a package; tests copy it, since they spoil it."""
    return Path(shutil.copytree(original, tmp_path / "env", symlinks=True))


@pytest.mark.parametrize("probed", [True, False], ids=["run", "read"])
@pytest.mark.parametrize(
    ("key", "value"),
    [("version", "3.7.1"), ("version_info", "3.99.0.final.0"), ("executable", "/usr/bin/python3.99")],
)
def test_a_pyvenv_cfg_that_speaks_of_another_release_is_an_error(
    environment: Path, key: str, value: str, probed: bool
) -> None:
    for name in ("version", "version_info", "executable"):
        edited(environment, name, f"{VERSION}.0")
    edited(environment, key, value)
    contradiction(environment, f"{environment}/pyvenv.cfg says {key} = {value}", VERSION, run=probed)


@pytest.mark.parametrize("probed", [True, False], ids=["run", "read"])
def test_packages_of_another_release_are_an_error(environment: Path, probed: bool) -> None:
    """What is left of an environment whose base got a new release: its packages are for the old one."""
    (environment / f"lib/python{VERSION}").rename(environment / "lib/python3.7")
    contradiction(environment, f"{environment}/lib/python3.7", f"{VERSION}.", run=probed)


@pytest.mark.parametrize("probed", [True, False], ids=["run", "read"])
def test_a_later_patch_release_of_the_base_and_packages_of_an_earlier_python_are_none(
    environment: Path, probed: bool
) -> None:
    (environment / "lib/python3.7/site-packages").mkdir(parents=True)
    edited(environment, "version", f"{VERSION}.99")
    assert load_environment(str(environment), run=probed).interpreter.short_version == VERSION


def test_an_executable_of_another_release_is_an_error_where_nothing_is_run(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make("venv", base, tmp_path / "env")
    add_older(base)
    for name in ("python", "python3", f"python{VERSION}"):
        (environment / "bin" / name).unlink(missing_ok=True)
    (environment / "bin/python").symlink_to(base / "bin/python3")  # what home/python3 means now
    contradiction(environment, f"{base}/bin/python{OLDER}", f"= {VERSION}", run=False)


def test_a_copied_executable_that_asks_for_another_libpython_is_an_error_where_nothing_is_run(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    if not list(base.glob("lib/libpython*.so.1.0")):
        pytest.skip("this Python is built without a shared library")
    environment = make("venv --copies", base, tmp_path / "env")
    add_older(base)
    (environment / f"lib/python{VERSION}").rename(environment / f"lib/python{OLDER}")
    (environment / "pyvenv.cfg").write_text(f"home = {base}/bin\nversion = {OLDER}.1\n")
    contradiction(environment, f"libpython{VERSION}.so", f"{base}/lib/python{OLDER}", run=False)


PYPY = {
    "virtualenv": "home = {home}\nimplementation = PyPy\nversion_info = 3.10.14.final.0\n",
    "uv": "home = {home}\nimplementation = PyPy\nversion_info = 3.10.14\n",
    "uv of GraalPy": "home = {home}\nimplementation = GraalPy\nversion_info = 3.11.7\n",
    "venv of PyPy 3.11": "home = {home}\nversion = 3.11.9\nexecutable = /opt/pypy/bin/pypy3.11\n",
    "venv of GraalPy": "home = {home}\nversion = 3.11.7\nexecutable = /opt/graalpy/bin/graalpy\n",
}


@pytest.mark.parametrize("maker", PYPY)
@pytest.mark.parametrize("probed", [True, False], ids=["run", "read"])
def test_another_implementation_is_refused_by_name_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str, probed: bool
) -> None:
    """With a CPython in `home`, which is not the environment's."""
    monkeypatch.setattr(environments, "probe", lambda *_: pytest.fail("its interpreter was run"))
    base = prefix(tmp_path / "usr")
    add_older(base)
    environment = tmp_path / "env"
    (environment / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", environment / "bin/python")
    (environment / "pyvenv.cfg").write_text(PYPY[maker].format(home=base / "bin"))
    refused_by_name(environment, "GraalPy" if "GraalPy" in maker else "PyPy", run=probed)


def refused_by_name(environment: Path, name: str, *, run: bool) -> None:
    with pytest.raises(UnsupportedEnvironment) as caught:
        load_environment(str(environment), run=run)
    assert f"an environment of {name}," in caught.value.message and str(environment) in caught.value.message


@pytest.mark.parametrize("sign", ["lib/pypy3.10/site-packages/x", "bin/pypy3.10", "bin/graalpy"])
def test_a_copied_executable_is_told_by_what_lies_beside_it(environment: Path, sign: str) -> None:
    """PyPy's own venv before 3.11 says nothing in `pyvenv.cfg`. A script of such a name says nothing either."""
    load_environment(str(environment), run=False)
    (environment / sign).parent.mkdir(parents=True, exist_ok=True)
    (environment / sign).write_text(f"#!{environment}/bin/python\n")
    if sign.startswith("bin"):
        load_environment(str(environment), run=False)
        shutil.copy("/bin/true", environment / sign)
    refused_by_name(environment, "GraalPy" if "graal" in sign else "PyPy", run=False)


def test_a_link_to_another_implementation_is_followed(environment: Path, tmp_path: Path) -> None:
    shutil.copy("/bin/true", tmp_path / "pypy3.10")
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to(tmp_path / "pypy3.10")
    refused_by_name(environment, "PyPy", run=True)


def test_a_pypy_beside_the_base_does_not_matter(tmp_path: Path) -> None:
    base = prefix(tmp_path / "usr")
    environment = make("uv", base, tmp_path / "env")
    shutil.copy("/bin/true", base / "bin/pypy3")
    (base / "lib/pypy3.10").mkdir()
    assert load_environment(str(environment), run=False).interpreter.short_version == VERSION


@pytest.mark.everything
@pytest.mark.parametrize("maker", COMMANDS)
def test_an_environment_of_debian_s_pypy_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: str
) -> None:
    root = debian_packages("bookworm", ["pypy3", "pypy3-lib"], label="pypy")
    libraries = next(root.rglob("libpypy3*-c.so")).parent
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    pypy = root / "usr/bin/pypy3"
    started = subprocess.run([pypy, "-c", ""], capture_output=True, text=True, check=False)
    if started.returncode != 0:
        pytest.skip(f"Debian 12's PyPy does not start here: {started.stderr.strip()}")
    words = [word.format(python=pypy, env=tmp_path / "env") for word in COMMANDS[maker]]
    run([words[0] if words[0].startswith("/") else tool(words[0]), *words[1:]], env=dict(os.environ))
    for probed in (True, False):
        refused_by_name(tmp_path / "env", "PyPy", run=probed)
