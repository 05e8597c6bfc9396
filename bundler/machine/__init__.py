"""The machine that bundler itself runs on. What differs between POSIX and Windows for this process stands here and nowhere else.

`os` is Python's own on POSIX; on Windows it has what POSIX has, and its paths are divided by `/` (`bundler.machine.windows`). All
modules take it from here, but the scripts that other interpreters run.
"""

import os as _os
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING or _os.name != "nt":
    import os as os
else:
    from bundler.machine import windows as os

__all__ = ["HAS_DRIVES", "PYTHON_OF_VENV", "changed_at", "os", "path_shown", "path_told", "rooted", "rootless"]

HAS_DRIVES = _os.name == "nt"
"""Whether absolute paths begin with a drive (`C:/`) or a share (`//server/share/`), and not with `/`: this is Windows."""
PYTHON_OF_VENV = "Scripts/python.exe" if HAS_DRIVES else "bin/python"
"""Where `venv` puts the interpreter of an environment."""


def changed_at(facts: os.stat_result) -> int:
    """When a file was changed last, in nanoseconds: contents or facts. Windows tells of contents alone, and when it was made."""
    return max(facts.st_ctime_ns, facts.st_mtime_ns) if HAS_DRIVES else facts.st_ctime_ns


def rootless(path: str) -> str:
    """An absolute path as one that can lie in a folder: `home/me`, `C/Users/me`, `server/share/x`."""
    if not HAS_DRIVES:
        return path.lstrip("/")
    drive, below = os.path.splitdrive(path)
    return f"{drive.rstrip(':').strip('/')}/{below.lstrip('/')}"


def rooted(path: str) -> str:
    """The absolute path that `rootless` made this one of."""
    if not HAS_DRIVES:
        return "/" + path
    drive, _, below = path.partition("/")
    return f"{drive}:/{below}" if len(drive) == 1 else f"//{path}"


def path_shown(path: str) -> str:
    """A path as programs of this machine take it: `cmd` reads a `/` as the beginning of an option."""
    return path.replace("/", "\\") if HAS_DRIVES else path


path_told: Callable[[str], str] = os.path.normpath if HAS_DRIVES else str
"""A path that another program told, as bundler writes it."""
