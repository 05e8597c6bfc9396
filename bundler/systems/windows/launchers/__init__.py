"""Windows' launchers: programs that start Python for a script. One module a writer, which recognises its own and changes its path.

A new writer is a module, a kind, and a line in the tables. No file is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bundler.binaries.pe.headers import Headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers import distlib, setuptools, unknown, uv, uv_footer, venv
from bundler.systems.windows.launchers.launcher import STARTS_PYTHON, Launcher, LauncherKind
from bundler.systems.windows.launchers.paths import target_of
from bundler.systems.windows.launchers.programs import own_end, program_headers
from bundler.systems.windows.launchers.setuptools import script_beside

__all__ = [
    "STARTS_PYTHON",
    "Launcher",
    "LauncherKind",
    "leads_to",
    "read_launcher",
    "relocated_launcher",
    "script_beside",
    "starts",
]

_READERS: tuple[Callable[[bytes, Headers, int], Launcher | None], ...] = (
    uv.read,
    uv_footer.read,
    distlib.read,
    setuptools.read,
    venv.read,
    unknown.read,
)
_Writer = Callable[[bytes, Headers, Launcher, str], bytes]
_WRITERS: Mapping[LauncherKind, _Writer] = {
    LauncherKind.DISTLIB: distlib.relocated,
    LauncherKind.UV: uv.relocated,
    LauncherKind.UV_FOOTER: uv_footer.relocated,
    LauncherKind.UNKNOWN: unknown.relocated,
}


def read_launcher(data: bytes) -> Launcher | None:
    """The launcher that a whole file is; None for any other program, and for a damaged one."""
    headers = program_headers(data)
    if headers is None:
        return None
    end = own_end(headers)
    return next((found for read in _READERS if (found := read(data, headers, end)) is not None), None)


def relocated_launcher(data: bytes, launcher: Launcher, python: str) -> bytes:
    """The file `data`, of which `launcher` was read, with a path that counts from its own folder: `..\\python.exe`.

    A program without a console gets pythonw.exe in place of python.exe. Options for Python stay; a signature goes. Raises
    CannotPatch where the launcher cannot have such a path.
    """
    headers = program_headers(data)
    if headers is None:
        raise CannotPatch("it is no program of Windows")
    if launcher.kind is LauncherKind.SETUPTOOLS:
        return data
    writer = _WRITERS.get(launcher.kind)
    if writer is None:
        raise CannotPatch("it stands in for a Python that lies elsewhere, and needs its whole path")
    return writer(data, headers, launcher, windowed(python, launcher))


def windowed(python: str, launcher: Launcher) -> str:
    """The interpreter for a launcher: pythonw.exe for one without a console."""
    folder, slash, name = python.rpartition("\\")
    return f"{folder}{slash}pythonw.exe" if launcher.gui and name.lower() == "python.exe" else python


def leads_to(launcher: Launcher, folder: str) -> str | None:
    """The bundle path of what a launcher starts that lies in the bundle path `folder`; None for what is outside, or unknown.

    Its case is as it is written: Windows does not tell it.
    """
    path = _path_from_itself(launcher)
    return target_of(path, folder) if path else None


def starts(launcher: Launcher, folder: str, executable: str) -> bool:
    """Whether a launcher in the bundle path `folder` starts the interpreter at a bundle path, or the one without console beside it.

    Of setuptools' the script beside it decides.
    """
    if launcher.kind is LauncherKind.SETUPTOOLS:
        return True
    windowless = f"{executable.removesuffix('.exe')}w.exe"
    target = leads_to(launcher, folder)
    return target is not None and target.lower() in (executable.lower(), windowless.lower())


def _path_from_itself(launcher: Launcher) -> str | None:
    """The path of its Python where one that is relative counts from its own folder."""
    if not launcher.counts_from_itself:
        return None
    if launcher.kind is not LauncherKind.DISTLIB:
        return launcher.python
    marked = launcher.python.lower().startswith(distlib.OWN_FOLDER)
    return launcher.python[len(distlib.OWN_FOLDER) :] if marked else None
