"""Programs beside the interpreter: those that start a Python inside of themselves, and those with capabilities."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compile_c
from tests.material.environments import bundler, empty_environment, pack
from tests.material.interpreters import Python, pyenv_pythons
from tests.material.isolation import ENVIRONMENT, hidden
from tests.material.programs import need

PLAIN = "Py_Initialize();"
OWN = "return Py_BytesMain(count, words);"
CODE = """
#include <Python.h>
int main(int count, char **words)
{
    %s
    return PyRun_SimpleString("import sys, _json; print(sys.prefix)") || Py_FinalizeEx();
}
"""
NET_BIND_SERVICE = bytes.fromhex("0100000200040000000000000000000000000000")
"""As `setcap cap_net_bind_service=ep` writes it (linux/capability.h: vfs_cap_data)."""
LISTEN = "import socket; socket.create_server(('127.0.0.1', 987)); print('listening')"


@pytest.fixture(scope="module")
def python() -> Python:
    """A Python whose programs find it in a shared library."""
    for one in reversed(pyenv_pythons()):
        if os.path.exists(f"{one.prefix}/lib/libpython{one.version}.so"):
            return one
    pytest.skip(
        "no Python of pyenv's with a libpython to link to: PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install 3.12"
    )


@pytest.fixture(scope="module")
def embedding(python: Python, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a program that starts Python, and one that is Python."""
    made = empty_environment(tmp_path_factory.mktemp("embedding") / "env", python)
    library, include = f"{python.prefix}/lib", f"{python.prefix}/include/python{python.version}"
    options = [f"-I{include}", f"-Wl,-rpath,{library}"]
    for name, start in (("plain", PLAIN), ("own", OWN)):
        program = compile_c(CODE % start, made / "bin" / name, *options, f"{library}/libpython{python.version}.so")
        program.with_name(f"{name}.c").unlink()
    return made


def test_a_program_that_starts_a_python_of_unknown_place_is_told(embedding: Path, tmp_path: Path) -> None:
    done = bundler(["pack", embedding, "--out", tmp_path / "out", "--dry-run"])
    told = [line for line in done.stderr.splitlines() if "a Python inside of itself" in line]
    assert [line.split()[:2] for line in told] == [["warning:", "bin/plain"]]
    assert "with the bundle's bin first on PATH" in told[0]


@pytest.mark.everything
@pytest.mark.parametrize("libc", ["host", "bundle"])
def test_it_runs_on_the_bundle_s_python_as_it_is_told(
    embedding: Path, python: Python, tmp_path: Path, libc: str
) -> None:
    bundle = tmp_path / "bundle"
    pack(embedding, bundle, "--libc", libc)
    path = {**ENVIRONMENT, "PATH": f"{bundle}/bin:{ENVIRONMENT['PATH']}"}
    done = hidden([embedding, *python.places], [bundle / "bin/plain"], env=path)
    assert done.stdout == f"{bundle}\n", done.stderr
    code = "import sys; print(sys.prefix)"
    done = hidden([embedding, *python.places], [bundle / "bin/own", "-c", code])
    assert done.stdout == f"{bundle}\n", done.stderr
    for name in ("worker", "python3", f"{python.prefix}/bin/python3"):
        path = {"PATH": f"{python.prefix}/bin"}
        command, program = [name, "-c", code], bundle / "bin/own"
        done = subprocess.run(command, executable=program, env=path, capture_output=True, text=True, check=False)
        assert done.stdout == f"{bundle}\n", (name, done.stderr)
    for path in ({}, {"PATH": ""}, {"PATH": "/nonexistent"}):
        done = subprocess.run([bundle / "bin/plain"], env=path, capture_output=True, text=True, check=False)
        assert done.returncode != 0 and done.stdout == "", (
            "never on the Python that it was made of, though that is still there"
        )


def give_capabilities(path: Path) -> None:
    """Make a file's process one that may listen where only root may; skips where that cannot be."""
    try:
        os.setxattr(path, "security.capability", NET_BIND_SERVICE)
    except (OSError, AttributeError) as error:
        pytest.skip(f"needs root, and a file system of Linux's with capabilities: {error}")


def test_capabilities_that_stay_behind_are_told(tmp_path: Path) -> None:
    made = empty_environment(tmp_path / "env", None, "--copies")
    shutil.copy(need("true"), made / "bin/tool")
    for name in ("python3", "tool"):
        give_capabilities((made / "bin" / name).resolve())
    done = bundler(["pack", made, "--out", tmp_path / "out", "--dry-run"])
    told = [line for line in done.stderr.splitlines() if "file capabilities" in line]
    assert [line.split()[1] for line in told] == ["env:bin/tool", "env:bin/python3"]
    assert all("--ambient-caps" in line for line in told)


@pytest.mark.everything
def test_ambient_capabilities_work_and_those_of_the_file_do_not(python: Python, tmp_path: Path) -> None:
    become = [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    ambient = ["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        pack(empty_environment(tmp_path / "env", python), Path(name, "bundle"))
        executable = Path(name, "bundle/bin/python").resolve()
        listen = [str(executable), "-c", LISTEN]
        done = subprocess.run([*become, *ambient, *listen], capture_output=True, text=True, check=False)
        assert done.stdout == "listening\n", done.stderr
        give_capabilities(executable)
        done = subprocess.run([*become, *listen], capture_output=True, text=True, check=False)
        assert "libpython" in done.stderr
