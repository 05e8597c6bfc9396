"""Profilers and debuggers see a bundle's process, with its own libc as with the host's: py-spy, and gdb on a core dump."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.material.environments import SLIM, clean, pack, run, tool
from tests.material.programs import need

pytestmark = pytest.mark.everything
SPINS = (
    "import time\ndef innermost():\n    end = time.time() + 60\n    while time.time() < end: sum(range(1000))\n"
    "def outermost(): innermost()\nprint('ready', flush=True)\noutermost()\n"
)


@pytest.fixture(scope="module", params=["host", "bundle"])
def bundle(request: pytest.FixtureRequest, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("watched") / "moved é"
    pack(empty, out, "--libc", request.param, *SLIM)
    return out


@pytest.fixture(scope="module")
def py_spy(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program of PyPI's wheel."""
    folder = tmp_path_factory.mktemp("py-spy")
    command = [tool("uv"), "-q", "pip", "install", "--target", str(folder), "py-spy"]
    done = subprocess.run(command, env=clean(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"py-spy cannot be fetched from the package index: {done.stderr[-200:]}")
    return str(folder / "bin/py-spy")


@pytest.fixture
def spinning(bundle: Path, tmp_path: Path) -> Iterator[int]:
    """A process of the bundle that is busy."""
    (tmp_path / "spins.py").write_text(SPINS)
    command = [bundle / "bin/python3", tmp_path / "spins.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process.pid
        process.kill()


def test_py_spy_dumps_and_records(py_spy: str, bundle: Path, spinning: int, tmp_path: Path) -> None:
    for more in ([], ["--native"]):
        done = subprocess.run(
            [py_spy, "dump", *more, "--pid", str(spinning)], capture_output=True, text=True, check=False
        )
        if "ermission" in done.stderr:
            pytest.skip(f"py-spy may not look into processes here: {done.stderr[-200:]}")
        assert f"({bundle}/bin/python3." in done.stdout, done.stderr
        assert "innermost (spins.py:4)" in done.stdout.replace(f"{tmp_path}/", "")
        assert "outermost (spins.py:5)" in done.stdout.replace(f"{tmp_path}/", "")
    raw = tmp_path / "raw"
    run([py_spy, "record", "-d", "1", "-f", "raw", "-o", raw, "--pid", str(spinning)])
    (line,) = (line for line in raw.read_text().splitlines() if "innermost" in line)
    assert "outermost (spins.py:5);innermost (spins.py:4)" in line and int(line.rpartition(" ")[2]) > 50


def test_gdb_names_the_functions_of_a_core_dump(bundle: Path, tmp_path: Path) -> None:
    gdb, pattern = need("gdb"), Path("/proc/sys/kernel/core_pattern")
    if not sys.platform.startswith("linux") or pattern.read_text() != "core\n":
        pytest.skip("needs core dumps in the working directory (/proc/sys/kernel/core_pattern: core)")
    program = bundle / "bin" / os.readlink(bundle / "bin/python")
    script = 'ulimit -c unlimited; cd "$1"; "$2" -c "import os; os.abort()"; ls'
    done = subprocess.run(["sh", "-c", script, "sh", tmp_path, program], capture_output=True, text=True, check=False)
    core = next(tmp_path.glob("core*"), None)
    if core is None:
        pytest.skip(f"the kernel writes no core dump here: {done.stderr[-200:]}")
    words = ["-ex", "set debuginfod enabled off", "-ex", "backtrace", "-ex", "info sharedlibrary"]
    told = subprocess.run([gdb, "-nx", "-batch", *words, program, core], capture_output=True, text=True, check=False)
    assert "abort" in told.stdout and "Py_RunMain" in told.stdout and "Py_BytesMain" in told.stdout, (
        told.stdout + told.stderr
    )
    assert "in main" in told.stdout or "main (" in told.stdout
    libc = "lib/libc/libc.so.6" if (bundle / "lib/libc/libc.so.6").exists() else "/libc.so.6"
    assert libc in told.stdout
