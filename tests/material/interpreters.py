"""The Pythons of this machine, as values."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from functools import cache

import pytest


@dataclass(frozen=True)
class Python:
    """An interpreter: its executable, `X.Y`, where it comes from (`pyenv`, `debian`), and the prefix to be hidden."""

    executable: str
    version: str
    source: str
    prefix: str

    def __str__(self) -> str:
        return f"{self.source}-{self.version}"


@cache
def pyenv_pythons() -> tuple[Python, ...]:
    root = os.path.join(os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv"), "versions")
    found = []
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        match = re.fullmatch(r"(3\.(\d+))\.\d+", name)
        executable = os.path.join(root, name, "bin", "python3")
        if match and int(match[2]) >= 8 and os.path.exists(executable):
            found.append(Python(executable, match[1], "pyenv", os.path.join(root, name)))
    return tuple(sorted(found, key=lambda python: int(python.version[2:])))


@cache
def debian_python() -> Python | None:
    """Debian's or Ubuntu's own Python, where it has its `venv` module."""
    code = "import sys, site, venv, ensurepip; print('%d.%d' % sys.version_info[:2], site.getsitepackages(['/x']))"
    try:
        done = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    version, _, folders = done.stdout.partition(" ")
    return Python("/usr/bin/python3", version, "debian", "/usr") if "dist-packages" in folders else None


def every_python() -> list[Python]:
    debian = debian_python()
    return [*pyenv_pythons(), *([debian] if debian else [])]


def main_python() -> Python:
    """The one on which every promise is proved: 3.12 of pyenv, else the newest there is, else Debian's."""
    pythons = pyenv_pythons()
    chosen = next(
        (python for python in pythons if python.version == "3.12"), pythons[-1] if pythons else debian_python()
    )
    if chosen is None:
        pytest.skip("no Python to pack: install one with pyenv, or apt-get install python3-venv")
    return chosen
