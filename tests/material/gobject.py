"""PyGObject of this machine: Debian's packages python3-gi and gir1.2-*."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path

import pytest

from tests.material.environments import run

_PACKAGES = Path("/usr/lib/python3/dist-packages")


def typelibs() -> list[Path]:
    """The typelibs that Debian's library finds."""
    return [Path(path) for path in sorted(glob.glob("/usr/lib/*/girepository-1.0/*.typelib"))]


def need_gi(*names: str) -> None:
    """Skip where PyGObject, or the typelib of one of these names (`Gtk-3.0`), is not installed."""
    if not (_PACKAGES / "gi").is_dir():
        pytest.skip("this machine has no PyGObject (apt-get install python3-gi)")
    there = {path.stem for path in typelibs()}
    for name in names:
        if name not in there:
            pytest.skip(f"this machine has no typelib {name} (apt-get install gir1.2-{name.lower()})")


def gi_environment(where: Path) -> Path:
    """A virtual environment of Debian's Python with PyGObject among its own packages."""
    run(["/usr/bin/python3", "-m", "venv", "--without-pip", where])
    (site,) = where.glob("lib/python3*/site-packages")
    shutil.copytree(_PACKAGES / "gi", site / "gi")
    return where
