"""Environment variables that this machine gives to every program, and those that tell where a user's own folders are."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.machine import HAS_DRIVES, os

_OF_WINDOWS = (
    "SYSTEMROOT",  # without it no socket opens, and there are no random numbers
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "PROCESSOR_ARCHITEW6432",
    "NUMBER_OF_PROCESSORS",
    "OS",
)


def least_variables() -> dict[str, str]:
    """What a program of the machine can count on, and nothing of the user's."""
    if not HAS_DRIVES:
        return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    root = os.environ.get("SYSTEMROOT", "C:\\Windows")
    variables = {name: os.environ[name] for name in _OF_WINDOWS if name in os.environ}
    return variables | {"SYSTEMROOT": root, "PATH": f"{root}\\System32;{root}"}


def with_home(variables: Mapping[str, str], home: str) -> dict[str, str]:
    """Variables with `home` (absolute) as the user's own folder, and as that for temporary files."""
    if not HAS_DRIVES:
        return {**variables, "HOME": home, "TMPDIR": home}
    place = home.replace("/", "\\")
    drive, below = os.path.splitdrive(place)
    ours = dict.fromkeys(("USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"), place)
    return {**variables, **ours, "HOMEDRIVE": drive, "HOMEPATH": below}


def cache_home() -> str:
    """The folder in which the user's programs keep what may be deleted at any time."""
    home, usual = os.path.expanduser("~"), os.environ.get("LOCALAPPDATA")
    of_system = (usual or os.path.join(home, "AppData", "Local")) if HAS_DRIVES else os.path.join(home, ".cache")
    return os.environ.get("XDG_CACHE_HOME") or of_system
