"""Installations of Python as Windows has them, on a folder that is drive C: for Wine: python.org's and those laid out otherwise.

Programs and DLLs are python.org's own (`embeddable`); the standard library's sources come from a Python X.Y of this machine, whose
micro version may differ. What only Windows' installer has is made here: import libraries (llvm-dlltool), the redirectors and batch
files of `venv` (fixtures/windows). Not there: tcl, Tools, Doc, the tests.
"""

from __future__ import annotations

import enum
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pefile
import pytest

from tests.material.interpreters import every_python
from tests.material.kept import kept
from tests.material.programs import need
from tests.material.windows import FIXTURES, MICRO, Wine, embeddable

_NOT_ON_WINDOWS = ("_sysconfigdata*", "config-*", "lib-dynload", "site-packages", "EXTERNALLY-MANAGED")
_LEFT_OUT = (*_NOT_ON_WINDOWS, "__pycache__", "test", "tests", "idlelib", "turtledemo", "tkinter")


class Layout(enum.Enum):
    """Who laid an installation out, by the folder that stands for it on drive C: (`{short}`: 312, `{micro}`: 3.12.9)."""

    PYTHON_ORG = "Python{short}"
    STANDALONE = "Users/me/AppData/Roaming/uv/python/cpython-{micro}-windows-x86_64-none"
    NUGET = "packages/python.{micro}/tools"
    EMBEDDABLE = "embedded{short}"


def installation(drive: Path, version: str, layout: Layout) -> Path:
    """The folder of an installation on a drive that `drive_c` made, or on a copy of it."""
    return drive / layout.value.format(short=version.replace(".", ""), micro=MICRO[version])


def on_windows(drive: Path, path: Path) -> str:
    r"""The path of a file on the drive as Windows writes it: `C:\Python312\python.exe`."""
    return "C:\\" + "\\".join(path.relative_to(drive).parts)


def drive_c(version: str, layout: Layout = Layout.PYTHON_ORG) -> Path:
    """A drive with an installation that has pip; not to be changed: copy it. Python and pip have run on it, nothing else."""

    def make(drive: Path) -> None:
        root = installation(drive, version, layout)
        if layout is Layout.EMBEDDABLE:
            _lay_out_embeddable(version, root)
        else:
            lay_out(version, root)
        with Wine().with_drive_c(drive) as wine, without_copyfile2(root / "Lib/site-packages"):
            _install_pip(wine, drive, version, layout)
        if layout is Layout.NUGET:  # its package has pip, and no programs that start it
            shutil.rmtree(root / "Scripts")
        elif layout is Layout.STANDALONE:
            text = "[externally-managed]\nError=This Python installation is managed by uv.\n"
            (root / "Lib/EXTERNALLY-MANAGED").write_text(text)

    return kept(f"windows-drive-{version}-{layout.name.lower()}", make)


def stdlib(version: str) -> Path:
    """The folder of a standard library's sources for X.Y; skips where no Python of this machine has it."""
    for python in every_python():
        folder = Path(python.prefix, "lib", f"python{version}")
        if python.version == version and python.source != "debian" and folder.is_dir():
            return folder
    pytest.skip(f"needs a Python {version} with its standard library (pyenv install {version})")


@contextmanager
def without_copyfile2(*site_packages: Path) -> Iterator[None]:
    """Let Python 3.12 and later copy files as older ones do: Wine 8 has no CopyFile2, and ends the process that asks for it."""
    files = [folder / "wine.pth" for folder in site_packages]
    for file in files:
        file.write_text("import _winapi; vars(_winapi).pop('CopyFile2', None)\n")
    try:
        yield
    finally:
        for file in files:
            file.unlink()


def lay_out(version: str, root: Path) -> None:
    """Put an installation without pip into a new folder."""
    source, short = embeddable(version), version.replace(".", "")
    library = stdlib(version)
    root.mkdir(parents=True)
    in_root = {"python.exe", "pythonw.exe", "python3.dll", f"python{short}.dll", "LICENSE.txt"}
    not_there = {f"python{short}.zip", f"python{short}._pth"}
    (root / "DLLs").mkdir()
    for file in source.iterdir():
        if file.name not in not_there:
            beside = file.name in in_root or file.name.startswith("vcruntime")
            shutil.copy(file, root if beside else root / "DLLs")
    shutil.copytree(library, root / "Lib", ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (root / "Lib/site-packages").mkdir()
    (root / "Lib/site-packages/README.txt").write_text(
        "This directory exists so that 3rd party packages can be installed here.\n"
    )
    redirectors = root / "Lib/venv/scripts/nt"
    redirectors.mkdir()
    for name, old in (("venvlauncher.exe", "python.exe"), ("venvwlauncher.exe", "pythonw.exe")):
        shutil.copy(FIXTURES / name, redirectors / (name if version == "3.13" else old))
    for name in ("activate.bat", "deactivate.bat"):
        shutil.copy(FIXTURES / name, redirectors)
    headers = library.parents[1] / "include" / f"python{version}"
    shutil.copytree(headers, root / "include")
    (root / "libs").mkdir()
    for name in ("python3", f"python{short}"):
        _import_library(root / f"{name}.dll", root / "libs" / f"{name}.lib")


def _import_library(dll: Path, library: Path) -> None:
    image = pefile.PE(str(dll), fast_load=True)
    image.parse_data_directories(pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_EXPORT"])
    names = [symbol.name.decode() for symbol in image.DIRECTORY_ENTRY_EXPORT.symbols if symbol.name]
    definitions = library.with_suffix(".def")
    definitions.write_text("\n".join([f"LIBRARY {dll.name}", "EXPORTS", *names]) + "\n")
    command: list[str | Path] = [need("llvm-dlltool"), "-m", "i386:x86-64", "-d", definitions, "-l", library]
    subprocess.run(command, check=True, capture_output=True)
    definitions.unlink()


def _lay_out_embeddable(version: str, root: Path) -> None:
    """As its users make it ready for packages: with `import site`, and a site-packages."""
    shutil.copytree(embeddable(version), root)
    (pth,) = root.glob("python*._pth")
    pth.write_text(pth.read_text().replace("#import site", "import site"))
    (root / "Lib/site-packages").mkdir(parents=True)


def _install_pip(wine: Wine, drive: Path, version: str, layout: Layout) -> None:
    root = installation(drive, version, layout)
    python = on_windows(drive, root / "python.exe")
    if layout is Layout.EMBEDDABLE:
        (wheel,) = stdlib(version).glob("ensurepip/_bundled/pip-*.whl")
        code = f"import runpy, sys; sys.path.insert(0, r'Z:{wheel}'); sys.argv[1:] = ['install', '--no-index', r'Z:{wheel}']"
        words = [python, "-c", f"{code}; runpy.run_module('pip', run_name='__main__')"]
    else:
        words = [python, "-m", "ensurepip", "--default-pip"]
    done = wine.run(words, drive)
    if done.returncode != 0 or not (root / "Scripts/pip.exe").exists():
        raise RuntimeError(f"{words}: {done.stdout[-500:]}{done.stderr[-1500:]}")
