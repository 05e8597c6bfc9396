"""Activation scripts: our own, which find the bundle by themselves.

They replace those of the environment, which name its place. bash, zsh, ksh93, fish, nushell, PowerShell, xonsh and cmd tell a
file where it is; under Linux the others (dash, busybox sh, mksh, yash, tcsh) have it open, and /proc tells what is open. Where
that fails they ask for BUNDLE_DIR. None sets UV_PYTHON: `uv sync` would rebuild the environment of another project on the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bundler.rewrite.templates import read_template
from bundler.systems.posix import POSIX_ACTIVATION
from bundler.systems.system import Activation


@dataclass(frozen=True, slots=True)
class ActivationScript:
    """A file of the folder of scripts, to be sourced."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Paths:
    """How a shell spells folders of the bundle in front of PATH."""

    root: str
    below: str
    """The same of a folder at the bundle's top, for which `{}` stands."""
    separator: str


_PATHS: Mapping[str, _Paths] = {
    "activate": _Paths("$VIRTUAL_ENV", "$VIRTUAL_ENV/{}", ":"),
    "activate.bat": _Paths("%VIRTUAL_ENV%", "%VIRTUAL_ENV%\\{}", ";"),
    "activate.csh": _Paths("$VIRTUAL_ENV:q", "$VIRTUAL_ENV:q/{}", ":"),
    "activate.fish": _Paths("$VIRTUAL_ENV", "$VIRTUAL_ENV/{}", " "),
    "activate.nu": _Paths("$folder", "($folder | path join {})", " "),
    "activate.ps1": _Paths("$env:VIRTUAL_ENV", "(Join-Path $env:VIRTUAL_ENV '{}')", ", "),
    "activate.xsh": _Paths('""', '"{}"', ", "),
}


def activation_scripts(activation: Activation = POSIX_ACTIVATION) -> tuple[ActivationScript, ...]:
    """`activate` for the shells of sh's family, and one for each other shell of a system."""
    return tuple(ActivationScript(name, _script(name, activation)) for name in activation.names)


def _script(name: str, activation: Activation) -> bytes:
    template = name.lower()
    text = read_template(template)
    if template in _PATHS:
        paths = _PATHS[template]
        folders = (paths.below.format(folder) if folder else paths.root for folder in activation.folders)
        text = text.replace("@FOLDERS@", paths.separator.join(folders))
    text = text.replace("@SCRIPTS@", activation.scripts).replace("@PYTHON@", activation.python).replace("@NAME@", name)
    return (text.replace("\n", "\r\n") if template.endswith(".bat") else text).encode()
