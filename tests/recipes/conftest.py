"""What the recipes begin with: a folder with the application's environment, and `bundler` on PATH."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.containers import Podman, podman_in
from tests.material.environments import FIXTURES, STOCKROOM, clean, quick_environment
from tests.material.interpreters import Python, main_python
from tests.material.isolation import hidden
from tests.material.pages import Place

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Desk:
    """The reader's machine: a folder with `.venv`, variables with `bundler` first on PATH, and what the bundle comes from."""

    folder: Path
    env: Mapping[str, str]
    python: Python
    commands: Path
    """The folder that is first on PATH."""

    @property
    def opt(self) -> Path:
        """What is /opt for its shells."""
        return self.folder.parent / "opt"

    def put(self, name: str, words: str) -> None:
        """Put a command on PATH: a script of `sh`."""
        (self.commands / name).write_text(f"#!/bin/sh\n{words}\n")
        (self.commands / name).chmod(0o755)

    def own(self, **more: str) -> Place:
        """A shell here, with more variables; /opt is a folder of the test's own."""
        return self._shell([], {**self.env, **more})

    def without_sources(self, prepare: str = ":") -> Place:
        """A shell in the same folder, with the same /opt, where the environment, its Python and bundler are out of reach."""
        variables = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "HOME": "/root"}
        environments = [path.parent for path in self.folder.glob("*/pyvenv.cfg")]  # .venv, tools
        return self._shell([*environments, *self.python.places], variables, prepare)

    def _shell(self, places: Sequence[str | Path], variables: Mapping[str, str], prepare: str = ":") -> Place:
        def run(line: str) -> subprocess.CompletedProcess[str]:
            words = ["sh", "-c", f"exec 2>&1; {line}"]
            return hidden(places, words, variables, self.folder, prepare=f"mount --bind '{self.opt}' /opt; {prepare}")

        return run


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    """A folder in which a page is followed that makes all it needs, or begins with something else."""
    folder, commands = tmp_path / "desk", tmp_path / "bin"
    for made in (folder, commands, tmp_path / "opt"):
        made.mkdir()
    found = Desk(folder, {**clean(), "PATH": f"{commands}:{SYSTEM_PATH}", "LANG": "C.UTF-8"}, main_python(), commands)
    found.put("bundler", f'PYTHONPATH="{FIXTURES.parent}" exec "{sys.executable}" -m bundler "$@"')
    return found


@pytest.fixture
def desk(empty_desk: Desk, tmp_path: Path) -> Desk:
    """A folder with the application's environment, `.venv`."""
    project = shutil.copytree(STOCKROOM, tmp_path / "stockroom")
    quick_environment(empty_desk.folder / ".venv", [project])
    return empty_desk


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Containers, whose images are kept until the tests end."""
    with podman_in(tmp_path_factory.mktemp("podman")) as found:
        yield found
