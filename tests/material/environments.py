"""Environments made by the tools that people make them with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from tests.material.interpreters import Python, main_python

FIXTURES = Path(__file__).parents[2] / "fixtures"
STOCKROOM = FIXTURES / "stockroom"
FLAT_PROJECT = FIXTURES / "flat_project"

SLIM = ("--profile", "slim")
"""For packs that are about something else than Python's own files: a third of the work less."""
SMALL = (
    *(*SLIM, "--exclude", "/lib/python3*/*/"),
    *("--include", "/lib/python3*/site-packages/", "--include", "/lib/python3*/lib-dynload/"),
)
"""For packs of which nothing is run: of the standard library what is in no package."""
_INSTALLERS = ("pip", "uv")
_FETCHING = ("install", "download", "build", "sync", "lock", "run")
"""What installers are told to do when they ask an index."""
MAKERS = ("venv", "venv --copies", "virtualenv", "uv venv", "uv venv --relocatable")


def clean() -> dict[str, str]:
    """The process environment without what would lead tools elsewhere."""
    dropped = ("PYTHON", "VIRTUAL_ENV", "UV_PYTHON", "CONDA")
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)}


def run(
    command: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command that must succeed; what it said is in the error. An installer that has no index to ask skips."""
    if index_fault.cache_info().currsize:  # asked before: an installer tries for long
        skip_without_index(command)
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=env or clean(), cwd=cwd, input=input
    )
    if done.returncode != 0:
        skip_without_index(command)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done


def _fetches(command: Sequence[str | Path]) -> bool:
    """Whether a command asks a package index: an installer's, but for one that is told not to."""
    words = [os.path.basename(word) for word in command]
    named = any(word in _INSTALLERS for word in words) and any(word in _FETCHING for word in words)
    return named and "--no-index" not in words


@cache
def index_fault() -> str:
    """Why pip gets nothing from the index that it is configured for, in its words; empty where it gets something."""
    with tempfile.TemporaryDirectory(prefix="index-") as folder:
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--retries", "1"]
        done = subprocess.run(
            [*pip, "-d", folder, "six"], capture_output=True, text=True, check=False, env=clean(), cwd=folder
        )
    lines = done.stderr.strip().splitlines()
    return "" if done.returncode == 0 else (lines or [f"exit status {done.returncode}"])[-1]


def skip_without_index(command: Sequence[str | Path]) -> None:
    """Skip where a command, which may have failed for that, is an installer's that asks a package index, and none answers."""
    if _fetches(command) and (fault := index_fault()):
        pytest.skip(f"needs a package index, and none answers: {fault}")


def tool(name: str) -> str:
    """A development tool beside the running Python, or on PATH; skips without it."""
    beside = os.path.join(sysconfig.get_path("scripts"), name)
    found = beside if os.path.exists(beside) else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def make(
    maker: str, python: Python, where: Path, packages: Sequence[str | Path] = (), cache: Path | None = None
) -> Path:
    """An environment at `where`, made by one of MAKERS, with packages installed by the maker's own installer."""
    if maker.startswith("uv"):
        options = ["--relocatable"] if "--relocatable" in maker else []
        uv(["venv", "--python", python.executable, *options, where], cache=cache)
        if packages:
            uv(["pip", "install", "--python", where, *packages], cache=cache)
        return where
    if maker == "virtualenv":
        run([tool("virtualenv"), "--python", python.executable, where])
    else:
        options = ["--copies"] if "--copies" in maker else []
        run([python.executable, "-m", "venv", *options, where])
    if packages:
        run([where / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-q", *packages])
    return where


def empty_environment(where: Path, python: Python | None = None, *options: str) -> Path:
    """An environment without a package, pip among them: where none is asked for it is made, packed and audited in half the time."""
    run([(python or main_python()).executable, "-m", "venv", "--without-pip", *options, where])
    return where


def quick_environment(where: Path, packages: Sequence[str | Path], *options: str) -> Path:
    """What `make("venv", …)` makes of the main Python, but that uv installs pip and the packages: it takes a tenth of the time."""
    empty_environment(where)
    uv(["pip", "install", "--link-mode", "copy", *options, "--python", where, "pip", *packages])
    return where


def uv(arguments: Sequence[str | Path], cache: Path | None = None, cwd: Path | None = None) -> None:
    """Run uv, with a cache of its own where one is given."""
    variables = clean() | ({"UV_CACHE_DIR": str(cache)} if cache else {})
    run([tool("uv"), "-q", *arguments], env=variables, cwd=cwd or Path.cwd())


def pure_dependencies(folder: Path) -> Path:
    """What bundler needs, as pure Python that any version reads, in a folder."""
    pure = ("click", "macholib", "packaging", "pathspec", "pyelftools", "rich", "tomli")
    run([tool("uv"), "-q", "pip", "install", "--target", folder, *pure])
    return folder


def bundler(
    arguments: Sequence[str | Path], env: Mapping[str, str] | None = None, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    """Run the command under test from this checkout, whatever its status; `env` is laid over the process's own."""
    return subprocess.run(
        [sys.executable, "-m", "bundler", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**clean(), "PYTHONPATH": str(FIXTURES.parent), **(env or {})},
        timeout=timeout,
    )


def pack(environment: Path, out: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    """Pack, with success and without faults."""
    done = bundler(["pack", environment, "--out", out, *options])
    assert done.returncode == 0, done.stderr[-4000:]
    return done
