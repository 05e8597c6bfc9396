"""The rules of each operating system, behind the same doors (`system.System`). One line each: here a new one is added."""

from __future__ import annotations

from bundler.errors import UnsupportedBundle
from bundler.machine import os
from bundler.platforms import OperatingSystem
from bundler.sysroot import HOST, Sysroot
from bundler.systems.system import System

__all__ = ["System", "pythons_without_bin", "root_below", "root_of", "system_named", "system_of"]


def system_of(system: OperatingSystem) -> System:
    """The rules of an operating system."""
    match system:
        case OperatingSystem.LINUX:
            from bundler.systems.linux.rules import LINUX

            return LINUX
        case OperatingSystem.MACOS:
            from bundler.systems.macos.rules import MACOS

            return MACOS
        case OperatingSystem.WINDOWS:
            from bundler.systems.windows.rules import WINDOWS

            return WINDOWS


def pythons_without_bin() -> tuple[str, ...]:
    """Where the Python of an environment lies, from its folder, on systems that have no `bin`."""
    from bundler.systems.windows.layout import PYTHONS

    return PYTHONS


def root_below(folder: str, text: str) -> str:
    """The same for `root_of` where a relative folder in `text` counts from `folder`."""
    from bundler.systems.windows.drives import drive_and_folder

    drive, place = drive_and_folder(text)
    return f"{drive}={os.path.join(folder, place)}" if drive else os.path.join(folder, text)


def root_of(text: str) -> Sysroot:
    """The root that `--root` means: a folder, or a drive and its folder (`C:=DIR`)."""
    from bundler.systems.windows.drives import drives_in

    if text == HOST.path:
        return HOST
    return drives_in(text) or Sysroot(os.path.realpath(text))


def root_with_name(name: str, root: Sysroot) -> Sysroot:
    """The same root, with the names of the system that writes absolute paths like `name`: a path of Windows begins with a drive."""
    from bundler.systems.windows.drives import Drives

    drives = Drives(root.path)
    return drives if not os.path.isabs(name) and drives.is_name(name) else root


def system_named(name: str) -> System:
    """The rules of the system that a manifest names. Raises UnsupportedBundle for one that is not known."""
    known = next((system for system in OperatingSystem if system.value == name), None)
    if known is None:
        raise UnsupportedBundle(f"the bundle is for {name}, of which this version knows nothing", "use a newer bundler")
    return system_of(known)
