"""CPython's venvlauncher and venvwlauncher: a virtual environment's `Scripts\\python.exe`, which reads `home` in pyvenv.cfg.

`home` is an absolute path. A bundle has no such launcher: its python.exe is the interpreter.
"""

from __future__ import annotations

from bundler.binaries.pe.headers import Headers
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind
from bundler.systems.windows.launchers.programs import is_gui

_NAMES = tuple(name.encode("utf-16-le") for name in ("pyvenv.cfg", "__PYVENV_LAUNCHER__"))


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The launcher, which names both the file that it reads and the variable that it sets; None for another program."""
    if not all(name in data for name in _NAMES):
        return None
    return Launcher(LauncherKind.VENV, is_gui(headers), headers.machine, python="")
