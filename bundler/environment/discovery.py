"""Find out what a folder is: a virtual environment, an installation, or neither, and say so clearly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bundler.bundle_paths import MOST_LINKS
from bundler.environment.claims import release_of_executable
from bundler.environment.executable import read_platform
from bundler.environment.facts import EnvironmentKind
from bundler.environment.implementation import refuse_other_implementations
from bundler.environment.redirect import follow_file, follow_link
from bundler.errors import BaseInterpreterMissing, BundlerError, NotAnEnvironment, UnsupportedEnvironment
from bundler.files import read_regular
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file, unless_failing
from bundler.platforms import Platform
from bundler.prefixes import is_system_prefix
from bundler.rewrite.pyvenv_cfg import parse
from bundler.sysroot import HOST, Sysroot
from bundler.systems import pythons_without_bin, root_with_name, system_of


@dataclass(frozen=True, slots=True)
class LocatedEnvironment:
    """A folder that holds an environment: its kind, its `bin/python` and its `pyvenv.cfg`, and what it is built for."""

    root: str
    kind: EnvironmentKind
    python: str
    config: Mapping[str, str]
    platform: Platform
    sysroot: Sysroot = HOST


def find_environment(path: str, sysroot: Sysroot = HOST) -> LocatedEnvironment:
    """What kind of environment lies at `path`, in `sysroot`; a file `.venv` that names another folder is followed.

    There a path below the sysroot's own is that path, and every other absolute one a name as seen from inside. Raises
    NotAnEnvironment, BaseInterpreterMissing or UnsupportedEnvironment, each naming the file at fault, and what led to it.
    """
    place = _locate(path, sysroot)
    named = follow_file(place, sysroot)
    behind = named or follow_link(place, sysroot)
    root = named or (place if sysroot.is_host else sysroot.real(place))
    if behind is None:
        return _environment_in(root, path, sysroot)
    try:
        return _environment_in(root, behind, sysroot)
    except BundlerError as error:
        raise error.at(path) from error


def _environment_in(root: str, path: str, sysroot: Sysroot) -> LocatedEnvironment:
    """The environment in the folder `root`, which errors call `path`."""
    if not is_dir(root):
        what = "is not a folder" if os.path.lexists(root) else "does not exist"
        hint = "name a virtual environment or a Python installation"
        if root_with_name(path, sysroot) is not sysroot:
            drive = path[:2].upper()
            what, hint = f"{what}: it would be {root}", f"--root {drive}=DIR says which folder here is drive {drive}"
        raise NotAnEnvironment(f"{path} {what}", hint)
    config = _read_config(root)
    _refuse_other_kinds(root, path)
    python = _find_python(root, path, config, sysroot)
    refuse_other_implementations(root, python, config or {}, sysroot)
    platform = read_platform(sysroot.real(python), os.path.join(path, os.path.relpath(python, root)))
    sysroot = system_of(platform.system).sysroot(sysroot)
    if config is not None and "home" in config:
        return LocatedEnvironment(root, EnvironmentKind.VENV, python, config, platform, sysroot)
    if is_system_prefix(sysroot.name_of(sysroot.real(root))):
        raise UnsupportedEnvironment(
            f"{path} is shared by Python and the rest of the system",
            "make a virtual environment with this Python and pack that",
        )
    return LocatedEnvironment(root, EnvironmentKind.INSTALLATION, python, config or {}, platform, sysroot)


def _locate(path: str, sysroot: Sysroot) -> str:
    """The path of what was named by its path or as seen from inside the sysroot; its own link is not followed."""
    if sysroot.is_name(path) and not os.path.isabs(path):
        return sysroot.path_of(path)
    place = os.path.abspath(path)
    named = root_with_name(path, sysroot)
    if named is not sysroot and not os.path.lexists(place):
        return named.path_of(path)
    if sysroot.is_host:
        return place
    real = os.path.join(os.path.realpath(os.path.dirname(place)), os.path.basename(place))
    inside = next((candidate for candidate in (place, real) if sysroot.holds(candidate)), None)
    if inside is None and not sysroot.is_name(path):
        raise NotAnEnvironment(
            f"{path} does not lie below {sysroot.path}",
            "give it as seen from inside the root (/app/.venv), or as a path below the root",
        )
    return inside or sysroot.path_of(path)


def _read_config(root: str) -> Mapping[str, str] | None:
    try:
        return parse(read_regular(os.path.join(root, "pyvenv.cfg")).decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotAnEnvironment(f"{error.filename} cannot be read: {error.strerror}") from error


def _refuse_other_kinds(root: str, path: str) -> None:
    """Environments of a kind that is known, and not packed."""
    if is_dir(os.path.join(root, "conda-meta")):
        raise UnsupportedEnvironment(f"{path} is a conda environment (it has conda-meta/)", "use conda-pack, for now")


def _find_python(root: str, path: str, config: Mapping[str, str] | None, sysroot: Sysroot) -> str:
    """The environment's own interpreter: `bin/python3`, `bin/python`, a versioned name, or where systems without `bin` have it."""
    for place in map(sysroot.real, (os.path.join(root, name) for name in pythons_without_bin())):
        if is_file(place):
            return place
    folder = os.path.join(root, "bin")
    names = ["python", "python3", *_versioned_names(folder)]
    for name in names:
        candidate = os.path.join(folder, name)
        if sysroot.is_file(candidate):
            if not os.access(sysroot.real(candidate), os.X_OK):
                raise NotAnEnvironment(f"{os.path.join(path, 'bin', name)} may not be executed")
            return candidate
    for name in names:
        candidate = os.path.join(folder, name)
        if os.path.islink(candidate):
            raise _dangling(candidate, os.path.join(path, "bin", name), config, sysroot)
    is_windows = any(sysroot.is_dir(os.path.join(root, name)) for name in ("Scripts", "DLLs"))
    missing, folder = (r"Scripts\python.exe", "Scripts") if is_windows else ("bin/python", "bin/")
    raise NotAnEnvironment(
        f"{path} is no Python environment: there is no {missing} in it",
        f"name the folder that holds pyvenv.cfg and {folder}, usually .venv",
    )


def _versioned_names(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        unless_failing(error, folder)
        return []
    return sorted(name for name in names if release_of_executable(name))


def _dangling(link: str, shown: str, config: Mapping[str, str] | None, sysroot: Sysroot) -> BundlerError:
    """The error for a `bin/python` whose target is gone (the usual fate of a venv in another Docker stage)."""
    home = (config or {}).get("home", "")
    where = "" if sysroot.is_host else f" in the root {sysroot.path}"
    return BaseInterpreterMissing(
        f"{shown} leads to {sysroot.name_of(_end_of(link, sysroot))}, which does not exist{where}"
        + (f" (pyvenv.cfg: home = {home})" if home else ""),
        "the environment's base Python is gone: pack it on the machine, or in the Docker stage, that still has it",
    )


def _end_of(link: str, sysroot: Sysroot) -> str:
    """The path at which a chain of links ends."""
    for _ in range(MOST_LINKS):
        if not os.path.islink(link):
            break
        target = os.readlink(link)
        link = sysroot.path_of(target) if target.startswith("/") else os.path.join(os.path.dirname(link), target)
    return link
