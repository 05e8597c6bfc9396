"""Find out what a folder is: a virtual environment, an installation, or neither, and say so clearly."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bundler.environment.facts import EnvironmentKind
from bundler.errors import BaseInterpreterMissing, BundlerError, NotAnEnvironment, UnsupportedEnvironment
from bundler.rewrite.pyvenv_cfg import parse

# Prefixes that Python shares with the rest of the system: they cannot be taken as a whole.
SYSTEM_PREFIXES = ("/", "/usr")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds an environment: its kind, its `bin/python` and its `pyvenv.cfg`."""

    root: str
    kind: EnvironmentKind
    python: str
    config: Mapping[str, str]


def find_environment(path: str) -> Place:
    """What kind of environment lies at `path`.

    Raises NotAnEnvironment, BaseInterpreterMissing or UnsupportedEnvironment, each naming the file at fault.
    """
    root = os.path.abspath(path)
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.lexists(root) else "does not exist"
        raise NotAnEnvironment(f"{path} {what}", "name a virtual environment or a Python installation")
    config = _read_config(root)
    _refuse_other_kinds(root, path)
    python = _find_python(root, path, config)
    if config is not None and config.get("include-system-site-packages", "").lower() == "true":
        raise UnsupportedEnvironment(
            f"{os.path.join(path, 'pyvenv.cfg')} says include-system-site-packages = true, "
            "so the environment also uses its base's packages",
            "make an environment without --system-site-packages; taking those along comes in a later version",
        )
    if config is not None and "home" in config:
        return Place(root, EnvironmentKind.VENV, python, config)
    if os.path.realpath(root) in SYSTEM_PREFIXES:
        raise UnsupportedEnvironment(
            f"{path} is shared by Python and the rest of the system",
            "make a virtual environment with this Python and pack that",
        )
    return Place(root, EnvironmentKind.INSTALLATION, python, config or {})


def _read_config(root: str) -> Mapping[str, str] | None:
    try:
        with open(os.path.join(root, "pyvenv.cfg"), encoding="utf-8", errors="surrogateescape") as file:
            return parse(file.read())
    except FileNotFoundError:
        return None


def _refuse_other_kinds(root: str, path: str) -> None:
    """Environments of a kind that is known, and not packed."""
    if os.path.isdir(os.path.join(root, "conda-meta")):
        raise UnsupportedEnvironment(f"{path} is a conda environment (it has conda-meta/)", "use conda-pack, for now")
    if os.path.isfile(os.path.join(root, "Scripts", "python.exe")) or os.path.isfile(os.path.join(root, "python.exe")):
        raise UnsupportedEnvironment(f"{path} is an environment for Windows (it has python.exe)")


def _find_python(root: str, path: str, config: Mapping[str, str] | None) -> str:
    """The environment's own interpreter: `bin/python3`, `bin/python` or a versioned name."""
    folder = os.path.join(root, "bin")
    names = ["python", "python3", *_versioned_names(folder)]
    for name in names:
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            if not os.access(candidate, os.X_OK):
                raise NotAnEnvironment(f"{os.path.join(path, 'bin', name)} may not be executed")
            _check_format(candidate, os.path.join(path, "bin", name))
            return candidate
    for name in names:
        candidate = os.path.join(folder, name)
        if os.path.islink(candidate):
            raise _dangling(candidate, os.path.join(path, "bin", name), config)
    raise NotAnEnvironment(
        f"{path} is no Python environment: there is no bin/python in it",
        "name the folder that holds pyvenv.cfg and bin/, usually .venv",
    )


def _versioned_names(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if re.fullmatch(r"python3\.\d+t?d?", name))


def _dangling(link: str, shown: str, config: Mapping[str, str] | None) -> BundlerError:
    """The error for a `bin/python` whose target is gone (the usual fate of a venv in another Docker stage)."""
    target = os.readlink(link)
    while os.path.islink(step := os.path.join(os.path.dirname(link), target)):
        link, target = step, os.readlink(step)
    home = (config or {}).get("home", "")
    return BaseInterpreterMissing(
        f"{shown} leads to {os.path.join(os.path.dirname(link), target)}, which does not exist"
        + (f" (pyvenv.cfg: home = {home})" if home else ""),
        "the environment's base Python is gone: pack it on the machine, or in the Docker stage, that still has it",
    )


def _check_format(python: str, shown: str) -> None:
    """Refuse an interpreter of another operating system or machine before it is run."""
    with open(python, "rb") as file:
        head = file.read(20)
    if head[:2] == b"#!":
        raise UnsupportedEnvironment(
            f"{shown} is a script, not an interpreter", "name the installation that the script starts"
        )
    if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):
        raise UnsupportedEnvironment(f"{shown} is a macOS executable; this version packs environments of Linux")
    if head[:4] != b"\x7fELF":
        raise UnsupportedEnvironment(f"{shown} is not an ELF executable")
    order = "little" if head[5] == 1 else "big"
    machine = int.from_bytes(head[18:20], "little" if order == "little" else "big")
    if machine != 62 or head[4] != 2:
        raise UnsupportedEnvironment(
            f"{shown} is built for another machine (ELF machine {machine}, {32 * head[4]} bits)",
            "this version packs x86-64 environments",
        )
