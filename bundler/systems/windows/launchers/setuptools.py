"""setuptools' `foo.exe`, which easy_install, `setup.py install`, zc.buildout and conda put beside a `foo-script.py` (`.pyw`).

The program is always the same: what it starts stands in the script's first line. A path without a drive or a leading backslash
counts there from the folder *above* the script's (`launcher.c` of setuptools, find_exe), so that `#!python.exe` is the Python of a
bundle whose scripts lie in `Scripts`; a script without such a line, as conda's are, starts the same one. Measured under Wine with
the launchers of setuptools 65.
"""

from __future__ import annotations

from bundler.binaries.pe.headers import Headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind
from bundler.systems.windows.launchers.programs import is_gui

_SUFFIX, _DEFAULT = b"-script.py", b"#!python.exe\0"
_ABOVE = "..\\"


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The launcher in a file that has nothing behind its sections; None for another program."""
    if _DEFAULT not in data or _SUFFIX not in data or end - headers.contents_end >= headers.file_alignment:
        return None
    return Launcher(LauncherKind.SETUPTOOLS, is_gui(headers), headers.machine, python="")


def script_beside(launcher: Launcher, path: str) -> str:
    """The path of the script that the launcher at `path` runs."""
    return f"{path.rpartition('.')[0]}-script.py{'w' if launcher.gui else ''}"


def path_in_script(python: str) -> str:
    """What the script's first line has to name for a path that counts from the script's own folder. Raises CannotPatch."""
    if not python.startswith(_ABOVE):
        raise CannotPatch(f"its launcher counts from the folder above its own, and {python} lies below that")
    rest = python[len(_ABOVE) :]
    return f'"{rest}"' if " " in rest else rest
