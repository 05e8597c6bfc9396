"""Which implementation of Python an environment is of, by what it says of itself: nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bundler.environment.claims import EXECUTABLE_KEYS, said_in_config
from bundler.environment.executable import is_script
from bundler.errors import UnsupportedEnvironment
from bundler.machine import os
from bundler.sysroot import Sysroot

_OTHERS = {"pypy": "PyPy", "graalpy": "GraalPy"}
"""How the files of other implementations are called, and these themselves."""


def refuse_other_implementations(root: str, python: str, config: Mapping[str, str], sysroot: Sysroot) -> None:
    """Raises UnsupportedEnvironment for PyPy, GraalPy and whatever says that it is no CPython; `python` is its executable.

    virtualenv and uv write `implementation`; PyPy's own venv has libraries in `lib/pypyX.Y` and an executable of that name. What
    else lies in `home` says nothing: `/usr/bin` may hold a PyPy beside a CPython.
    """
    said = config.get("implementation", "")
    if said and said.lower() != "cpython":
        raise _refused(said, said_in_config(root, config, "implementation"))
    for key in EXECUTABLE_KEYS:
        if name := _implementation(config.get(key, "")):
            raise _refused(name, said_in_config(root, config, key))
    real = sysroot.real(python)
    if name := _implementation(real):
        raise _refused(name, f"{python} leads to {sysroot.name_of(real)}")
    if "home" not in config:  # an installation like /usr/local may hold more than one
        return
    for folder in ("lib", "bin"):
        for entry in sysroot.names_in(os.path.join(root, folder)):
            path = os.path.join(root, folder, entry)
            name = _implementation(path)
            if name and not (sysroot.is_file(path) and is_script(sysroot.real(path))):
                raise _refused(name, f"it has {path}")


def _implementation(path: str) -> str:
    """The implementation whose name a file has (`pypy3.10`, `graalpy`); "" for others."""
    match = re.fullmatch(r"(pypy|graalpy)[\d.]*", os.path.basename(path))
    return _OTHERS[match[1]] if match else ""


def _refused(name: str, reason: str) -> UnsupportedEnvironment:
    return UnsupportedEnvironment(
        f"this is an environment of {name}, and bundler packs CPython only: {reason}",
        "make the environment with CPython 3.8 or later",
    )
