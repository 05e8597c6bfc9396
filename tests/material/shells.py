"""Shells that are no Debian package: installed by pip and npm into the suite's cache, once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.material.interpreters import every_python, main_python
from tests.material.kept import kept
from tests.material.programs import need


def shell_command(name: str, hidden: Sequence[str | Path] = ()) -> list[str]:
    """The command that starts a shell without its user's settings, where places may be hidden; skips where it is not to be had."""
    words = {
        "bash": ["bash", "--norc", "--noprofile"], "bash --posix": ["bash", "--norc", "--noprofile", "--posix"],
        "zsh": ["zsh", "-f"], "fish": ["fish", "--no-config"], "tcsh": ["tcsh", "-f"], "busybox sh": ["busybox", "sh"],
        "yash": ["yash", "--norcfile", "--noprofile"],
    }.get(name, [name])  # fmt: skip
    if name == "nu":
        return [_nushell(), "-n"]
    if name == "xonsh":
        return [_xonsh(hidden), "--no-rc"]
    need(words[0])
    return words


def _xonsh(hidden: Sequence[str | Path]) -> str:
    """Of another Python than the one that is packed, and so hidden, where there is one."""
    others = [python for python in every_python() if python != main_python()]
    python = max(others, key=lambda one: int(one.version.partition(".")[2]), default=main_python())
    if {os.fspath(place) for place in hidden} & {*python.places}:
        pytest.skip("xonsh needs a Python that is not hidden: install a second one with pyenv")

    def install(where: Path) -> list[Sequence[str | Path]]:
        pip: list[str | Path] = [
            where / "bin/python",
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "xonsh",
        ]
        return [[python.executable, "-m", "venv", where], pip]

    return _installed(f"xonsh-{python}", "bin/xonsh", install)


def _nushell() -> str:
    need("npm")
    return _installed(
        "nushell",
        "node_modules/@nushell/linux-x64/bin/nu",
        lambda where: [["npm", "install", "--no-audit", "--no-fund", "--prefix", where, "nushell"]],
    )


def _installed(name: str, program: str, commands: Callable[[Path], list[Sequence[str | Path]]]) -> str:
    """The path of a program in the cache, put there by commands where it is not."""

    def install(where: Path) -> None:
        for command in commands(where):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"{name} is not to be had: {done.stderr[-300:]}")

    return os.fspath(kept(name, install) / program)
