"""Releases of macOS that a bundle may go to, by name (`macos11`, `macos10.15`)."""

from __future__ import annotations

import re

from bundler.platforms import OperatingSystem
from bundler.target import Target

_NAME = re.compile(r"macos(\d{1,2})(?:\.(\d{1,2}))?")
_SOURCE = "https://support.apple.com/en-us/109033"

RELEASES = ("10.13", "10.14", "10.15", "11", "12", "13", "14", "15", "26")
"""Those that are listed; any other one is meant by its number, too."""


def find_target(name: str) -> Target | None:
    """The release of a name. From 11 on the first number is the release, and code says 11.0 for it."""
    match = _NAME.fullmatch(name)
    if match is None or (match[1] == "10" and match[2] is None):
        return None
    release = int(match[1]), int(match[2] or 0)
    return Target(name, f"macOS {name.removeprefix('macos')}", OperatingSystem.MACOS, release, (_SOURCE,))


def target_names() -> tuple[str, ...]:
    """Those that are listed."""
    return tuple(f"macos{release}" for release in RELEASES)
