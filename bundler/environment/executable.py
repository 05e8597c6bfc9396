"""What an interpreter's own file tells, before anything is run: its platform, or why it is no interpreter."""

from __future__ import annotations

import os
from collections.abc import Sequence

from bundler.binaries.formats import FORMAT_NAMES, HEAD_SIZE, detect
from bundler.errors import BinaryFormatError, UnsupportedEnvironment
from bundler.platforms import Platform
from bundler.sysroot import Sysroot


def read_platform(path: str, shown: str) -> Platform:
    """The platform of the executable at `path`, called `shown` in errors.

    Raises UnsupportedEnvironment for a script, a damaged file, and a file of no known format.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_SIZE)
        if head[:2] == b"#!":
            raise UnsupportedEnvironment(
                f"{shown} is a script, not an interpreter", "name the installation that the script starts"
            )
        found = detect(head)
        if found is None:
            raise UnsupportedEnvironment(f"{shown} is not an {FORMAT_NAMES} executable")
        try:
            return found.platform(file)
        except BinaryFormatError as error:
            raise UnsupportedEnvironment(f"{shown} is a damaged {found.name} executable: {error.message}") from error


def real_executable(sysroot: Sysroot, base_prefix: str, names: Sequence[str], otherwise: str) -> str:
    """The base's executable, all links followed; `names` are its versioned ones, `otherwise` what runs the environment.

    A venv made with copies holds one of its own, so the base's is looked for first.
    """
    for name in (*names, "python3", "python"):
        candidate = sysroot.real(os.path.join(base_prefix, "bin", name))
        if os.path.isfile(candidate) and not _is_script(candidate):
            return candidate
    return sysroot.real(otherwise)


def _is_script(path: str) -> bool:
    """Whether a file begins with a shebang: version managers put shell scripts under a python's name."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"
