"""Which environment is meant: the one that the command names, or the one of the folder that it is given in."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bundler.environment.discovery import find_environment
from bundler.environment.redirect import REDIRECT, follow_file, follow_link, path_of_line
from bundler.errors import BundlerError, NotAnEnvironment
from bundler.sysroot import HOST, Sysroot

DEFAULT = REDIRECT
_LIST = ".python-envs"
_ACTIVE = "VIRTUAL_ENV"


@dataclass(frozen=True, slots=True)
class Choice:
    """The environment at `path`, and why it: "" where the command names it and nothing is in between."""

    path: str
    reason: str

    def line(self, *, in_place: bool) -> str:
        """The choice for a person; `in_place` says that the environment itself shall become a bundle."""
        real = os.path.realpath(self.path)
        turned = f"; --in-place is to turn {real} into a bundle" if in_place else ""
        return f"environment: {self.path} ({self.reason}){turned}"


def choose_environment(named: str | None, root: str = "/") -> Choice:
    """The environment that `named` means; without it `.venv`, else the last line of `.python-envs`, else the active one.

    `root` is the directory that the environment sees as `/`; in another than this machine's own nothing is active. Raises the
    errors of `find_environment` for what a file, a link or a variable leads to, with both names.
    """
    if not os.path.isdir(root):
        return Choice(named or DEFAULT, "")  # whoever loads it says so
    sysroot = Sysroot(os.path.realpath(root))
    if named is not None:
        return _followed(named, sysroot) or Choice(named, "")
    if os.path.lexists(DEFAULT):
        return _followed(DEFAULT, sysroot) or Choice(os.path.abspath(DEFAULT), f"{DEFAULT} of this folder")
    if os.path.isfile(_LIST):
        return _last_of_list(sysroot)
    active = os.environ.get(_ACTIVE)
    if active and sysroot.is_host:
        return Choice(_found(active, HOST, _ACTIVE), f"the active one, by {_ACTIVE}: this folder has no {DEFAULT}")
    return Choice(DEFAULT, "")


def _followed(path: str, sysroot: Sysroot) -> Choice | None:
    """The environment behind a file or a link; a link stays what it is. Where there is neither, None."""
    place = os.path.abspath(path)
    if not sysroot.holds(place):
        return None
    if follow_file(place, sysroot) is not None:
        return Choice(find_environment(place, sysroot).root, f"the file {place} leads to it")
    target = follow_link(place, sysroot)
    return Choice(place, f"a link to {target}") if target is not None else None


def _last_of_list(sysroot: Sysroot) -> Choice:
    """PEP 832 had the list in its draft of August 2026: an environment a line, the default one last, and behind it `.venv`."""
    place = os.path.abspath(_LIST)
    try:
        with open(place, encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise NotAnEnvironment(f"{place} is no list of environments: {error}", "name the environment") from error
    if not lines:
        raise NotAnEnvironment(f"{place} names no environment", "name one")
    target = path_of_line(lines[-1], os.path.realpath(place), sysroot)
    return Choice(_found(target, sysroot, place), f"the last line of {place}")


def _found(path: str, sysroot: Sysroot, source: str) -> str:
    """The folder of the environment at `path`, to which `source` leads."""
    try:
        return find_environment(path, sysroot).root
    except BundlerError as error:
        raise error.at(source) from error
