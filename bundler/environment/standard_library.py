"""Where the base's standard library lies, from files alone: of several Pythons in one prefix the one that the environment means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bundler.environment.claims import (
    EXECUTABLE_KEYS,
    Claim,
    Release,
    check_claims,
    claimed_release,
    claims_of_config,
    claims_of_folders,
    release_of_executable,
    release_of_library,
)
from bundler.environment.discovery import LocatedEnvironment
from bundler.environment.executable import release_of_libpython
from bundler.environment.facts import EnvironmentKind
from bundler.errors import BaseInterpreterMissing, UnsupportedEnvironment
from bundler.machine import os
from bundler.sysroot import Sysroot

LIBRARY_FOLDERS = ("lib", "lib64")
"""Folders of a prefix that may hold `pythonX.Y`."""
_LANDMARKS = ("os.py", "os.pyc")  # the second one alone: a library without its sources (buildroot's)


@dataclass(frozen=True, slots=True)
class StandardLibrary:
    """A standard library that was found: paths with all links followed; `name` is the folder's, `lib` or `lib64`."""

    prefix: str
    name: str
    stdlib: str
    minor: int


def find_standard_library(located: LocatedEnvironment) -> StandardLibrary:
    """The base's standard library: the nearest one above its executable that is of the release that the environment speaks of.

    Raises BaseInterpreterMissing where there is none, ContradictoryEnvironment where the environment says two things or none that
    is there, and UnsupportedEnvironment for a release before 3.8.
    """
    root = located.sysroot
    claims = _claims(located)
    folders = claims_of_folders(located.root, root) if located.kind is EnvironmentKind.VENV else []
    check_claims(claims, folders)
    release = claimed_release(claims, folders) or _release_in_home(located)
    starts = list(dict.fromkeys(_starts(located, release)))
    found = _nearest(starts, root, release)
    if found is not None:
        if found.minor < 8:
            raise UnsupportedEnvironment(f"{located.python} is Python 3.{found.minor}; bundler packs 3.8 and later")
        return found
    if other := _nearest(starts, root, None):
        where = f"its base's standard library is {root.name_of(other.stdlib)}"
        check_claims([*claims, Claim(Release(other.minor), where)], folders)
    wanted = f"python{release}" if release else "python3.*"
    raise BaseInterpreterMissing(
        f"no standard library (lib/{wanted}/os.py) lies above " + " or ".join(root.name_of(start) for start in starts),
        "is the environment's base Python in the root that --root names?"
        if not root.is_host
        else "the environment's base Python is gone, or it is no CPython",
    )


def check_libpython(located: LocatedEnvironment, executable: str, library: StandardLibrary) -> None:
    """The executables must be of the standard library's release. Raises ContradictoryEnvironment."""
    root = located.sysroot
    found = Claim(Release(library.minor), f"its standard library is {root.name_of(library.stdlib)}")
    for path in dict.fromkeys((executable, root.real(located.python))):
        if asked := release_of_libpython(path):
            check_claims([Claim(asked[0], f"{root.name_of(path)} asks for {asked[1]}"), found], [])


def _claims(located: LocatedEnvironment) -> list[Claim]:
    """What `pyvenv.cfg` says of the release, and the name of the executable that runs the environment."""
    claims = list(claims_of_config(located.root, located.config))
    real = located.sysroot.real(located.python)
    if release := release_of_executable(real):
        claims.append(Claim(release, f"{located.python} leads to {located.sysroot.name_of(real)}"))
    return claims


def _release_in_home(located: LocatedEnvironment) -> Release | None:
    """The release of the Python that `home` holds: for an environment that says nothing of its own."""
    root = located.sysroot
    folder = root.path_of(located.config["home"]) if located.config.get("home") else ""
    names = ("python3", "python") if folder else ()
    releases = (release_of_executable(root.real(os.path.join(folder, name))) for name in names)
    return next((release for release in releases if release), None)


def _starts(located: LocatedEnvironment, release: Release | None) -> Iterator[str]:
    """Where the search begins, in Python's order: `home`, then the folder of the executable behind all links.

    Before 3.11 Python follows the links of its executable first, and looks for `pyvenv.cfg` where they end.
    """
    root = located.sysroot
    if release is not None and release.minor < 11 and os.path.islink(located.python):
        yield os.path.dirname(root.real(located.python))
    if home := located.config.get("home"):
        folder = root.path_of(home)
        yield folder
        for key in EXECUTABLE_KEYS:
            if executable := located.config.get(key):
                yield os.path.dirname(root.real(root.path_of(executable)))
        for name in _python_names(folder, root):
            yield os.path.dirname(root.real(os.path.join(folder, name)))
    yield os.path.dirname(root.real(located.python))
    yield os.path.dirname(located.python)


def _python_names(folder: str, root: Sysroot) -> list[str]:
    found = root.names_in(folder)
    return [
        name
        for name in ("python3", "python", *found)
        if name in found and (name in ("python3", "python") or release_of_executable(name))
    ]


def _nearest(starts: Sequence[str], root: Sysroot, release: Release | None) -> StandardLibrary | None:
    found = (_search_up(start, root, release) for start in starts)
    return next((library for library in found if library is not None), None)


def _search_up(start: str, root: Sysroot, wanted: Release | None) -> StandardLibrary | None:
    """The nearest folder at or above `start` with a standard library below `lib` or `lib64`."""
    folder = start
    while True:
        for name in LIBRARY_FOLDERS:
            library = os.path.join(folder, name)
            for python in root.names_in(library):
                release = release_of_library(python)
                if release is None or (wanted is not None and not release.fits(wanted)):
                    continue
                stdlib = os.path.join(library, python)
                if any(root.is_file(os.path.join(stdlib, landmark)) for landmark in _LANDMARKS):
                    return StandardLibrary(root.real(folder), name, root.real(stdlib), release.minor)
        if folder in ("/", root.path) or not root.holds(folder):
            return None
        folder = os.path.dirname(folder)
