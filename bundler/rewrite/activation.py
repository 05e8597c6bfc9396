"""Activation scripts: our own, which find the bundle by themselves.

They replace those of the environment, which name its place. bash, zsh, ksh93, fish, nushell, PowerShell and xonsh tell a sourced
file where it is; under Linux the others (dash, busybox sh, mksh, yash, tcsh) have it open, and /proc tells what is open. Where
that fails they ask for BUNDLE_DIR. There is none for cmd, which runs on Windows only, where these bundles do not.
None sets UV_PYTHON: `uv sync` would rebuild the environment of another project on the bundle.
"""

from __future__ import annotations

from dataclasses import dataclass

from bundler.rewrite.templates import read_template

_NAMES = ("activate", "activate.csh", "activate.fish", "activate.nu", "activate.ps1", "activate.xsh")


@dataclass(frozen=True, slots=True)
class ActivationScript:
    """A file of `bin/`, to be sourced."""

    name: str
    data: bytes


def activation_scripts() -> tuple[ActivationScript, ...]:
    """`activate` for the shells of sh's family, and one for each other shell."""
    return tuple(ActivationScript(name, read_template(name).encode()) for name in _NAMES)
