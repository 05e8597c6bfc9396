"""What an interpreter's own file tells, before anything is run: its platform, or why it is no interpreter."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bundler.binaries.formats import FORMAT_NAMES, HEAD_SIZE, detect
from bundler.environment.claims import Release, release_of_executable
from bundler.errors import BinaryFormatError, UnsupportedEnvironment
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import is_file
from bundler.platforms import Platform
from bundler.sysroot import Sysroot

# Of a shared build, and of a framework of macOS.
_LIBPYTHON = re.compile(r"libpython3\.(?P<minor>\d{1,5})|Python\w*\.framework/Versions/3\.(?P<version>\d{1,5})")


def read_platform(path: str, shown: str) -> Platform:
    """The platform of the executable at `path`, called `shown` in errors.

    Raises UnsupportedEnvironment for a script, a damaged file, and a file of no known format.
    """
    with opened(path) as file:
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


def real_executable(sysroot: Sysroot, base_prefix: str, names: Sequence[str], otherwise: Sequence[str]) -> str:
    """The base's executable, all links followed; `names` are its versioned ones, `otherwise` what it may be else.

    A venv made with copies holds one of its own, so the base's is looked for first. What has another version in its name is
    another Python: one prefix may hold several, and a Python that does not find its own name in `home` takes `home/python3` for its
    base's, whatever that is. The last of `otherwise` is taken as it is.
    """
    release = release_of_executable(names[-1])
    places = [os.path.join(base_prefix, "bin", name) for name in (*names, "python3", "python")]
    for place in (*places, *otherwise[:-1]):
        candidate = sysroot.real(place)
        named = release_of_executable(candidate)
        if named is not None and release is not None and named.minor != release.minor:
            continue
        if is_file(candidate) and not is_script(candidate):
            return candidate
    return sysroot.real(otherwise[-1])


def release_of_libpython(path: str) -> tuple[Release, str] | None:
    """The release whose libpython the executable at `path` asks for, and by which name; None where it asks for none."""
    with opened(path) as file:
        found = detect(file.read(HEAD_SIZE))
        try:
            needed = found.facts(file).needed if found is not None else ()
        except BinaryFormatError:
            return None
    for name in needed:
        if match := _LIBPYTHON.search(name):
            return Release(int(match["minor"] or match["version"])), name
    return None


def is_script(path: str) -> bool:
    """Whether a file begins with a shebang: version managers put shell scripts under a python's name."""
    with opened(path) as file:
        return file.read(2) == b"#!"
