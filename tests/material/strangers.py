"""What somebody may put into a folder so that a Python below it, or one that is started in it, takes it for its own part."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

LED_ASTRAY = "raise SystemExit('led astray')\n"
HOME = "/stranger/bin"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def zip_of_stdlib(stdlib: Path, where: Path) -> None:
    """A valid zip of the standard library in a folder; each of its modules can be imported from it."""
    where.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(where, "w") as archive:
        for path in sorted(stdlib.rglob("*.py")):
            name = path.relative_to(stdlib)
            if name.parts[0] not in ("site-packages", "dist-packages", "test", "idlelib", "lib2to3"):
                archive.writestr(zipfile.ZipInfo(str(name)), path.read_bytes())


def _stdlib_zip(folder: Path, stdlib: Path) -> None:
    zip_of_stdlib(stdlib, folder / "lib" / f"{stdlib.name.replace('.', '')}.zip")


def _stdlib_folder(folder: Path, stdlib: Path) -> None:
    for name in ("os.py", "encodings/__init__.py", "site.py"):
        _write(folder / "lib" / stdlib.name / name, LED_ASTRAY)


def _extension_modules(folder: Path, stdlib: Path) -> None:
    _write(folder / "lib" / stdlib.name / "lib-dynload/_json.py", LED_ASTRAY)


def _configuration(folder: Path, stdlib: Path) -> None:
    _write(folder / "pyvenv.cfg", f"home = {HOME}\ninclude-system-site-packages = true\n")


def _build_folder(folder: Path, stdlib: Path) -> None:
    _write(folder / "pybuilddir.txt", "build")
    _write(folder / "Modules/Setup.local", "")
    _write(folder / "Lib/os.py", LED_ASTRAY)


def _search_path(folder: Path, stdlib: Path) -> None:
    for name in ("python", "python3", stdlib.name, "py", f"lib{stdlib.name}.so.1.0"):
        _write(folder / f"{name}._pth", "stranger\n")


def _customizing(folder: Path, stdlib: Path) -> None:
    for name in ("sitecustomize.py", "usercustomize.py"):
        _write(folder / name, LED_ASTRAY)


LANDMARKS: dict[str, Callable[[Path, Path], None]] = {
    "a zip of the standard library": _stdlib_zip,
    "a folder of the standard library": _stdlib_folder,
    "a folder of extension modules": _extension_modules,
    "pyvenv.cfg": _configuration,
    "a build folder": _build_folder,
    "._pth": _search_path,
    "sitecustomize": _customizing,
}
"""Each writes its landmark into a folder, for the Python whose standard library lies in the second one."""
BESIDE_A_LINK = ("pyvenv.cfg", "._pth")
"""Those that every Python looks for beside the name by which it is started: so an environment is found."""

CODE = """
import os, sys, json, string, argparse
prefixes = {os.path.realpath(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
files = [module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]
print(json.dumps([sorted(prefixes), sorted({os.path.realpath(path) for path in [*files, *filter(None, sys.path)]})]))
"""
"""Tells the real prefixes, and the real paths of all modules and of `sys.path`."""
