"""What an environment says of its Python before anything is run: in `pyvenv.cfg`, and by the names of its files and folders.

Each maker writes other keys: venv `version` and, since 3.11, `executable`; virtualenv both, `version_info`, `implementation` and
`base-executable`; uv `version_info` and `implementation`. Only `X.Y` is compared: a base gets new patch releases where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from bundler.errors import ContradictoryEnvironment
from bundler.machine import os
from bundler.sysroot import Sysroot

EXECUTABLE_KEYS = ("executable", "base-executable")
"""Keys of `pyvenv.cfg` whose value is the base's executable."""
VERSION_KEYS = ("version_info", "version")
"""Keys of `pyvenv.cfg` whose value begins with the version."""

_PYTHON = re.compile(r"python3\.(?P<minor>\d{1,5})(?P<flags>t?d?)")
_HINT = "its Python was exchanged, or it was made with another one: make the environment anew"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of CPython as far as names tell it: 3.`minor`, and whether it is free-threaded (None: not told)."""

    minor: int
    free_threaded: bool | None = None

    def fits(self, other: Release) -> bool:
        """Whether both may be one release."""
        threads = {self.free_threaded, other.free_threaded} - {None}
        return self.minor == other.minor and len(threads) < 2

    def __str__(self) -> str:
        return f"3.{self.minor}{'t' if self.free_threaded else ''}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement on which release the environment's Python is; `text` says where it stands and what."""

    release: Release
    text: str


def release_of_executable(path: str) -> Release | None:
    """The release in the name of an executable: `pythonX.Y`, `pythonX.Yt`, `pythonX.Yd`; None in others.

    Only the `t` tells anything of threads: a free-threaded build is installed under both names, hard links of each other.
    """
    match = _PYTHON.fullmatch(os.path.basename(path))
    return Release(int(match["minor"]), True if "t" in match["flags"] else None) if match else None


def release_of_library(name: str) -> Release | None:
    """The release in the name of a folder of libraries, `pythonX.Y` or `pythonX.Yt`; None in others."""
    match = _PYTHON.fullmatch(name)
    return Release(int(match["minor"]), "t" in match["flags"]) if match else None


def claims_of_config(root: str, config: Mapping[str, str]) -> Iterator[Claim]:
    """What `pyvenv.cfg` says."""
    for key in VERSION_KEYS:
        if match := re.match(r"3\.(\d{1,5})", config.get(key, "")):
            yield Claim(Release(int(match[1])), said_in_config(root, config, key))
    for key in EXECUTABLE_KEYS:
        if release := release_of_executable(config.get(key, "")):
            yield Claim(release, said_in_config(root, config, key))


def claims_of_folders(root: str, sysroot: Sysroot) -> list[Claim]:
    """The folders that a virtual environment has its packages in: after `venv --upgrade` one for each Python that it had."""
    found: dict[Release, Claim] = {}
    for library in ("lib", "lib64"):
        for name in sysroot.names_in(os.path.join(root, library)):
            place = os.path.join(root, library, name)
            release = release_of_library(name)
            if release is not None and sysroot.is_dir(os.path.join(place, "site-packages")):
                found.setdefault(release, Claim(release, f"{place} holds its packages"))
    return list(found.values())


def check_claims(claims: Sequence[Claim], folders: Sequence[Claim]) -> None:
    """Raises ContradictoryEnvironment, with both, where two claims exclude each other, or where none of `folders` fits the last."""
    for first, second in combinations(claims, 2):
        if not first.release.fits(second.release):
            raise ContradictoryEnvironment(f"{first.text}, but {second.text}", _HINT)
    if claims and folders and not any(folder.release.fits(claims[-1].release) for folder in folders):
        raise ContradictoryEnvironment(f"{folders[0].text}, but {claims[-1].text}", _HINT)


def claimed_release(claims: Sequence[Claim], folders: Sequence[Claim]) -> Release | None:
    """The release that claims and folders, which do not contradict each other, speak of; None where they do not tell."""
    releases = [claim.release for claim in claims]
    fitting = [folder.release for folder in folders if not releases or folder.release.fits(releases[0])]
    if len(fitting) == 1:
        releases.append(fitting[0])
    told = next((release.free_threaded for release in releases if release.free_threaded is not None), None)
    return Release(releases[0].minor, told) if releases else None


def said_in_config(root: str, config: Mapping[str, str], key: str) -> str:
    """A key of `pyvenv.cfg` and its value, in words for an error."""
    return f"{os.path.join(root, 'pyvenv.cfg')} says {key} = {config[key]}"
