"""Activation scripts: our own, which find the bundle by themselves where the shell can tell a sourced file's name.

They replace those of the environment, which name its place. Other shells than these come in a later version.
"""

from __future__ import annotations

from dataclasses import dataclass

from bundler.rewrite.templates import read_template

_NAMES = ("activate", "activate.fish")


@dataclass(frozen=True, slots=True)
class ActivationScript:
    """A file of `bin/`, to be sourced."""

    name: str
    data: bytes


def activation_scripts() -> tuple[ActivationScript, ...]:
    """`activate` for bash, zsh, ksh and POSIX sh, and `activate.fish`."""
    return tuple(ActivationScript(name, read_template(name).encode()) for name in _NAMES)
