"""A free-threaded build is packed under all its names, and runs without the GIL where it and its environment are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.environment import load_environment
from tests.material.environments import make, pack
from tests.material.free_threaded import free_threaded
from tests.material.isolation import hidden

pytestmark = pytest.mark.everything


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose `lib64` is a folder of its own, as `venv` makes it from 3.15 on; both folders of packages have a module `twice`."""
    made = make("venv", free_threaded(), tmp_path_factory.mktemp("free-threaded") / "env")
    (made / "lib64").unlink()
    for lib in ("lib", "lib64"):
        folder = made / lib / "python3.13t/site-packages"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"only_{lib}.py").write_text("")
        (folder / "twice.py").write_text(f"LIB = {lib!r}\n")
    return made


def test_it_runs_where_nothing_of_it_is_left(environment: Path, tmp_path: Path) -> None:
    pack(environment, tmp_path / "packed")
    bundle = (tmp_path / "packed").rename(tmp_path / "bundle")
    code = (
        "import sys, ssl, sqlite3, _ctypes, pip, twice, only_lib, only_lib64;"
        "print(sys._is_gil_enabled(), sys.prefix, twice.LIB, _ctypes.__file__)"
    )
    twice = hidden([], [environment / "bin/python", "-c", "import twice; print(twice.LIB)"]).stdout.strip()
    for name in ("python", "python3", "python3.13", "python3.13t"):
        done = hidden([environment, free_threaded().prefix], [bundle / "bin" / name, "-W", "error", "-c", code])
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        gil, prefix, lib, extension = done.stdout.split()
        assert (gil, prefix, lib) == ("False", str(bundle), twice)
        assert extension.startswith(f"{bundle}/lib64/python3.13t/lib-dynload/_ctypes.cpython-313t-")
    inner = tmp_path / "inner"
    commands: tuple[list[str | Path], ...] = (
        [bundle / "bin/python", "-m", "venv", inner],
        [inner / "bin/python", "-c", "import pip, ssl, _ctypes"],
    )
    for command in commands:
        done = hidden([environment, free_threaded().prefix], command)
        assert done.returncode == 0, done.stderr


def test_read_from_files_it_is_what_it_says_of_itself(environment: Path) -> None:
    read = load_environment(str(environment), run=False).interpreter
    assert read == load_environment(str(environment)).interpreter
