"""Which environment is meant: the one that the command names, or the one of the folder that it is given in."""

from __future__ import annotations

from dataclasses import dataclass

from bundler.environment.discovery import find_environment
from bundler.environment.redirect import REDIRECT, follow_file, follow_link, path_of_line
from bundler.errors import BundlerError, NotAnEnvironment
from bundler.machine import os
from bundler.machine.failing import is_dir, is_file
from bundler.sysroot import HOST, Sysroot
from bundler.systems import root_of

DEFAULT = REDIRECT
_LIST = ".python-envs"
_ACTIVE = "VIRTUAL_ENV"
_MARKS = ("pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Choice:
    """The environment at `path`, and why it: "" where the command names it and nothing is in between."""

    path: str
    reason: str

    def beside(self, active: str) -> Choice:
        """The choice where another environment may be `active`: the reason says so."""
        if not active or os.path.realpath(active) == os.path.realpath(self.path):
            return self
        return Choice(self.path, f"{self.reason}, and not the active one, {active}: name that to pack it")

    def line(self, *, in_place: bool) -> str:
        """The choice for a person; `in_place` says that the environment itself shall become a bundle."""
        real = os.path.realpath(self.path)
        turned = f"; --in-place is to turn {real} into a bundle" if in_place else ""
        return f"environment: {self.path} ({self.reason}){turned}"


def choose_environment(named: str | None, root: str = "/") -> Choice:
    """The environment that `named` means; without it what a folder of the project says, else the active one.

    A folder says `.venv`, else the last line of `.python-envs`; the working directory goes before those above it, up to the
    project's root: the one with `pyproject.toml` or `.git`. Where none has that, only the working directory counts.

    `root` is the directory that the environment sees as `/`; in another than this machine's own nothing is active. Raises the
    errors of `find_environment` for what a file, a link or a variable leads to, with both names.
    """
    sysroot = root_of(root)
    if not is_dir(sysroot.path):
        return Choice(named or DEFAULT, "")  # whoever loads it says so
    if named is not None:
        if sysroot.is_name(named) and not os.path.isabs(named):
            named = sysroot.path_of(named)  # `C:\project\.venv`
        return _followed(named, sysroot) or Choice(named, "")
    active = os.environ.get(_ACTIVE, "") if sysroot.is_host else ""
    for folder in folders_of_project():
        found = _in_folder(folder, sysroot)
        if found is not None:
            return found.beside(active)
    if active:
        return Choice(_found(active, HOST, _ACTIVE), f"the active one, by {_ACTIVE}: this folder has no {DEFAULT}")
    return Choice(DEFAULT, "")


def folders_of_project() -> list[str]:
    """The working directory, and those above it up to the project's root, if there is one."""
    here = os.getcwd()
    folders = [here]
    while not any(os.path.lexists(os.path.join(folders[-1], mark)) for mark in _MARKS):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return [here]
        folders.append(above)
    return folders


def _in_folder(folder: str, sysroot: Sysroot) -> Choice | None:
    """What a folder says of its environment; None where it says nothing."""
    place, listed = os.path.join(folder, DEFAULT), os.path.join(folder, _LIST)
    if os.path.lexists(place):
        whose = "this folder" if folder == os.getcwd() else f"the project {folder}"
        return _followed(place, sysroot) or Choice(place, f"{DEFAULT} of {whose}")
    return _last_of_list(listed, sysroot) if is_file(listed) else None


def _followed(path: str, sysroot: Sysroot) -> Choice | None:
    """The environment behind a file or a link; a link stays what it is. Where there is neither, None."""
    place = os.path.abspath(path)
    if not sysroot.holds(place):
        return None
    if follow_file(place, sysroot) is not None:
        return Choice(find_environment(place, sysroot).root, f"the file {place} leads to it")
    target = follow_link(place, sysroot)
    return Choice(place, f"a link to {target}") if target is not None else None


def _last_of_list(place: str, sysroot: Sysroot) -> Choice:
    """PEP 832 had the list in its draft of August 2026: an environment a line, the default one last, and behind it `.venv`."""
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
