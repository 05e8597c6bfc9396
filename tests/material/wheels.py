"""Wheels for other platforms, from the package index that pip is configured for, kept in a cache."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.material.kept import kept


def wheel(requirement: str, platform: str, python: str = "3.13") -> Path:
    """The wheel of a pinned requirement (`name==1.0`) for a platform tag such as `macosx_11_0_arm64`; skips where there is none."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
    command += ["--platform", platform, "--python-version", python, "--implementation", "cp"]

    def download(folder: Path) -> None:
        done = subprocess.run([*command, "-d", folder, requirement], capture_output=True, text=True, check=False)
        if not list(folder.glob("*.whl")):
            pytest.skip(f"needs {requirement} for {platform} from a package index: {done.stderr[-300:]}")

    return next(kept(f"wheel-{requirement}-{platform}-{python}", download).glob("*.whl"))


def unpack(requirement: str, platform: str, where: Path, python: str = "3.13") -> Path:
    """The files of a wheel, extracted into `where`."""
    with zipfile.ZipFile(wheel(requirement, platform, python)) as archive:
        archive.extractall(where)
    return where
