"""Releases of Windows that a bundle may go to, by name (`windows10`)."""

from __future__ import annotations

from bundler.floor import Release
from bundler.platforms import OperatingSystem
from bundler.systems.windows.floor import SYSTEM
from bundler.target import Target

_SOURCE = "https://learn.microsoft.com/en-us/windows/win32/sysinfo/operating-system-version"

# A server is what the client of the same version is.
_RELEASES: tuple[tuple[str, str, Release], ...] = (
    ("windows7", "7", (7, 0)),
    ("windows8", "8", (8, 0)),
    ("windows8.1", "8.1", (8, 1)),
    ("windows10", "10", (10, 0)),
    ("windows11", "11", (11, 0)),
    ("windowsserver2012", "Server 2012", (8, 0)),
    ("windowsserver2012r2", "Server 2012 R2", (8, 1)),
    ("windowsserver2016", "Server 2016", (10, 0)),
    ("windowsserver2019", "Server 2019", (10, 0)),
    ("windowsserver2022", "Server 2022", (10, 0)),
    ("windowsserver2025", "Server 2025", (10, 0)),
)

TARGETS: tuple[Target, ...] = tuple(
    Target(name, f"{SYSTEM} {title}", OperatingSystem.WINDOWS, release, (_SOURCE,))
    for name, title, release in _RELEASES
)
"""One row each."""


def find_target(name: str) -> Target | None:
    """The release of a name."""
    return next((target for target in TARGETS if name == target.name), None)


def target_names() -> tuple[str, ...]:
    """All of them."""
    return tuple(target.name for target in TARGETS)
