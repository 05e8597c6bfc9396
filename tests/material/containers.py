"""Containers: podman with a storage of its own, which starts runc."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.programs import need


@dataclass(frozen=True)
class Podman:
    """podman with a storage of its own below `folder`; what runs is noted in `runroot`, of whose name podman takes 50 bytes."""

    folder: Path
    runroot: str

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = ["podman", "--cgroup-manager", "cgroupfs", "--runtime", "runc"]
        command += ["--root", self.folder / "storage", "--runroot", self.runroot]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    def load(self, image: Path) -> str:
        """The name that an image gets."""
        done = self("load", "-q", "-i", image)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().rpartition(" ")[2]

    def run(
        self, image: str, *command: str, entrypoint: str | None = None, more: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a container without a network; `more` are options of podman's."""
        options = [
            "--pull=never",
            "--network=none",
            "--rm",
            "--ulimit",
            "nofile=20000:20000",
            "--ulimit",
            "nproc=1000:1000",
        ]
        start = ["--entrypoint", entrypoint] if entrypoint else []
        return self("run", *options, *more, *start, image, *command)


@contextmanager
def podman_in(folder: Path) -> Iterator[Podman]:
    """podman with its storage in a folder; skips where it does not work, and leaves nothing behind."""
    for program in ("podman", "runc"):
        need(program)
    if os.geteuid() != 0:
        pytest.skip("needs root, for containers without a user manager")
    with tempfile.TemporaryDirectory() as runroot:
        found = Podman(folder, runroot)
        if found("info").returncode != 0:
            pytest.skip(f"podman does not work here: {found('info').stderr[-200:]}")
        yield found
        found("system", "reset", "--force")
