"""bundler itself on Windows: in python.org's embeddable Python 3.13, with all that it needs, under Wine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.kept import kept
from tests.material.windows import Wine, embeddable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = "3.13"
_REPOSITORY = Path(__file__).parents[2]
_ONLY_THERE = ("colorama",)  # pip reads markers as for the Python that it runs on


def at_z(path: Path) -> str:
    r"""A path of this machine as Windows writes it under Wine: `Z:\tmp\app`."""
    return "Z:" + str(path).replace("/", "\\")


@dataclass(frozen=True, slots=True)
class BundlerOnWindows:
    """A Python of Windows that has bundler."""

    wine: Wine
    folder: Path

    @property
    def cache(self) -> Path:
        """Where it keeps what it learns."""
        return self.folder / "cache"

    def __call__(self, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run `python -m bundler` in a folder, with words as somebody would type them there."""
        return self._run(["-m", "bundler", *words], folder)

    def code(self, code: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a few lines of Python that use bundler."""
        return self._run(["-c", code], folder)

    def _run(self, words: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        command = [at_z(self.folder / "python.exe"), *words]
        return self.wine.run(command, folder, {"XDG_CACHE_HOME": at_z(self.cache)})


@contextmanager
def bundler_on_windows(where: Path, drive: Path | None = None) -> Iterator[BundlerOnWindows]:
    """bundler, out of this repository, in a Python that is made in the new folder `where`; `drive` is to be drive C:."""
    shutil.copytree(embeddable(VERSION), where)
    (pth,) = where.glob("*._pth")
    lines = [*pth.read_text().split("\n")[:2], at_z(_dependencies()), at_z(_REPOSITORY), "import site"]
    pth.write_text("\n".join(lines))
    if drive is None:
        yield BundlerOnWindows(Wine(), where)
    else:
        with Wine().with_drive_c(drive) as wine:
            yield BundlerOnWindows(wine, where)


def _dependencies() -> Path:
    with open(_REPOSITORY / "pyproject.toml", "rb") as file:
        needed = tomllib.load(file)["project"]["dependencies"]

    def install(folder: Path) -> None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "--only-binary", ":all:"]
        command += ["--platform", "win_amd64", "--python-version", VERSION, *needed, *_ONLY_THERE]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"needs bundler's dependencies for Windows from a package index: {done.stderr[-300:]}")

    return kept(f"bundler-for-windows-{VERSION}", install)
