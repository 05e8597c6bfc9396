"""The Pythons of this machine, as values."""

from __future__ import annotations

import glob
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import pytest

# Prefixes that hold other software, too: of these only Python's own parts can be hidden or compared.
_SHARED_PREFIXES = ("/usr", "/usr/local")


@dataclass(frozen=True)
class Python:
    """An interpreter: its executable, `X.Y`, where it comes from (`pyenv`, `debian`, …), and its prefix."""

    executable: str
    version: str
    source: str
    prefix: str

    @property
    def places(self) -> tuple[str, ...]:
        """The folders and files that must be hidden for it to be gone: its prefix, or its parts in a shared one."""
        if self.prefix not in _SHARED_PREFIXES:
            return (self.prefix,)
        patterns = (
            f"lib*/python{self.version}", "lib/python3", f"include/python{self.version}", "share/python-wheels",
            f"bin/python{self.version}", f"lib*/libpython{self.version}*.so*", f"lib/*/libpython{self.version}*.so*",
        )  # fmt: skip
        found = [path for pattern in patterns for path in sorted(glob.glob(os.path.join(self.prefix, pattern)))]
        return tuple(dict.fromkeys(os.path.realpath(path) for path in found))

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


@cache
def running_python() -> Python:
    """The one that runs the tests, or rather the base of its virtual environment."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    prefix = os.path.realpath(sys.base_prefix)
    known = (one for one in _installed() if (one.version, os.path.realpath(one.prefix)) == (version, prefix))
    return next(known, Python(os.path.join(prefix, "bin", f"python{version}"), version, "this", prefix))


@cache
def _installed() -> tuple[Python, ...]:
    debian = debian_python()
    return (*pyenv_pythons(), *([debian] if debian else []))


def every_python() -> list[Python]:
    """Those of pyenv, Debian's and the one that runs the tests."""
    return list(dict.fromkeys((*_installed(), running_python())))


def main_python() -> Python:
    """The one on which every promise is proved: on each machine it is the one that runs the tests (PYTHON of `scripts/prepare`)."""
    chosen = running_python()
    if not os.path.exists(chosen.executable):
        pytest.skip(f"no Python to pack: {chosen.executable} is not there")
    return chosen
