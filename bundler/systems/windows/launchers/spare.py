"""Another launcher in place of one that cannot be changed: distlib's, as the environment's own packages have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bundler.binaries.pe import constants as c
from bundler.systems.windows.launchers.distlib import knows_its_folder, shebang
from bundler.systems.windows.launchers.launcher import Launcher
from bundler.systems.windows.launchers.programs import is_gui, program_headers

FOLDERS = ("pip/_vendor/distlib", "distlib", "installer/_scripts", "virtualenv/_vendor/distlib")
"""Where packages have distlib's launchers, from a folder of packages on."""
_MACHINES = {
    c.IMAGE_FILE_MACHINE_I386: "32",
    c.IMAGE_FILE_MACHINE_AMD64: "64",
    c.IMAGE_FILE_MACHINE_ARM64: "64-arm",
}


def spare_program(launcher: Launcher, file_of: Callable[[str], bytes | None]) -> bytes | None:
    """A program for the machine of a launcher, with a console where that has one; None where no package has one.

    `file_of` gives the file at a path from a folder of packages on.
    """
    for path in _paths(launcher):
        data = file_of(path)
        headers = program_headers(data) if data is not None else None
        if data is None or headers is None or not knows_its_folder(data):
            continue
        if headers.machine == launcher.machine and is_gui(headers) == launcher.gui:
            return data
    return None


def _paths(launcher: Launcher) -> Iterator[str]:
    machine = _MACHINES.get(launcher.machine)
    if machine is not None:
        yield from (f"{folder}/{'w' if launcher.gui else 't'}{machine}.exe" for folder in FOLDERS)


def made_anew(script: bytes, program: bytes, python: str, arguments: str) -> bytes:
    """A launcher of distlib's for the script, a zip, that another one has. Raises CannotPatch for options that are too long."""
    return program + shebang(python, arguments) + script
