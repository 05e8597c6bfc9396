"""What becomes of a file in `Scripts`: it finds the bundle's Python by itself, or the reason why it does not."""

from __future__ import annotations

from collections.abc import Callable

from bundler.bundle_paths import relative
from bundler.errors import CannotPatch
from bundler.scheme import BundleScheme
from bundler.systems.system import RelocatedScript
from bundler.systems.windows.launchers import (
    STARTS_PYTHON,
    Launcher,
    LauncherKind,
    leads_to,
    read_launcher,
    relocated_launcher,
    windowed,
)
from bundler.systems.windows.launchers.paths import target_of
from bundler.systems.windows.launchers.programs import is_signed
from bundler.systems.windows.launchers.scripts import relocated_batch, relocated_script
from bundler.systems.windows.launchers.spare import made_anew, spare_program

_SCRIPT_SUFFIXES = ("-script.py", "-script.pyw")
_Files = Callable[[str], bytes | None]


def relocate(path: str, data: bytes, scheme: BundleScheme, file_of: _Files) -> RelocatedScript | None:
    """The file at a bundle path in the folder of scripts; None for one that needs no change, and for what is none of Python's.

    `file_of` gives the file at a bundle path, None where there is none.
    """
    folder, _, name = path.rpartition("/")
    python = relative(scheme.executable, folder).replace("/", "\\")
    if data.startswith(b"MZ"):
        launcher = read_launcher(data)
        if launcher is None or launcher.kind is LauncherKind.SETUPTOOLS:
            return None
        if launcher.kind in STARTS_PYTHON:
            return RelocatedScript(None, "starts a Python that stays behind")
        wanted = windowed(python, launcher)
        if _same(leads_to(launcher, folder), target_of(wanted, folder)):
            return None
        return _relocated_program(data, launcher, wanted, lambda below: file_of(f"{scheme.site_packages}/{below}"))
    if name.lower().endswith((".cmd", ".bat")):
        batch = relocated_batch(data, python)
        return RelocatedScript(batch, "path of Python made relative") if batch is not None else None
    try:
        script = relocated_script(data, python, _launcher_of(path, file_of))
    except CannotPatch as error:
        return RelocatedScript(None, f"names a Python that stays behind ({error})")
    return RelocatedScript(script, "shebang made relative") if script is not None else None


def _same(path: str | None, other: str | None) -> bool:
    return path is not None and other is not None and path.lower() == other.lower()


def _launcher_of(path: str, file_of: _Files) -> Launcher | None:
    """The launcher that runs a script with setuptools' name for one."""
    for suffix in _SCRIPT_SUFFIXES:
        if path.lower().endswith(suffix):
            data = file_of(f"{path[: -len(suffix)]}.exe")
            return read_launcher(data) if data is not None else None
    return None


def _relocated_program(data: bytes, launcher: Launcher, python: str, packaged: _Files) -> RelocatedScript:
    """A launcher with the way to the interpreter, or one that is made anew of a program that `packaged` has."""
    try:
        new = relocated_launcher(data, launcher, python)
    except CannotPatch as error:
        return _made_anew(data, launcher, python, spare_program(launcher, packaged), error)
    signed = ", without its signature" if is_signed(data) else ""
    return RelocatedScript(new, f"launcher made relocatable{signed}")


def _made_anew(
    data: bytes, launcher: Launcher, python: str, program: bytes | None, error: CannotPatch
) -> RelocatedScript:
    if program is None or launcher.script is None:
        why = f"{error}, and no package of the environment has another launcher"
        return RelocatedScript(None, f"names a Python that stays behind ({why})")
    try:
        anew = made_anew(launcher.script.of(data), program, python, launcher.arguments)
    except CannotPatch as other:
        return RelocatedScript(None, f"names a Python that stays behind ({other})")
    return RelocatedScript(anew, f"made anew with the launcher of distlib: {error}")
