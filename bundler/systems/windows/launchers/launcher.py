"""A launcher as a value: a small program that starts Python for a script, or in a virtual environment's name."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class LauncherKind(enum.Enum):
    """Who wrote a launcher."""

    DISTLIB = "distlib"
    """pip, virtualenv, installer: a shebang line and a zip behind the program."""
    UV = "uv"
    """uv since 0.9.9: the path is a resource, and mostly the script as well."""
    UV_FOOTER = "uv's older one"
    """uv before: a zip, the path and its length behind the program."""
    SETUPTOOLS = "setuptools"
    """setuptools and conda: the shebang line stands in a script beside the program."""
    VENV = "venv"
    """CPython's own `Scripts\\python.exe`, which reads pyvenv.cfg."""
    UV_PYTHON = "uv's python.exe"
    """The same of uv, in either of its formats."""
    UNKNOWN = "unknown"
    """A program with a script behind it, and no path that is known."""


STARTS_PYTHON = frozenset({LauncherKind.VENV, LauncherKind.UV_PYTHON})
"""Launchers that are no script's: they stand in for an interpreter that lies elsewhere."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of a file, by their offsets."""

    start: int
    end: int

    def of(self, data: bytes) -> bytes:
        """These bytes of the file `data`."""
        return data[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Launcher:
    """What a launcher says."""

    kind: LauncherKind
    gui: bool
    """Whether it opens no console, and therefore starts pythonw.exe."""
    machine: int
    """IMAGE_FILE_MACHINE_…"""
    python: str
    """The interpreter as it is written, without quotes; "" where it is not in the program."""
    arguments: str = ""
    """What stands behind the path of the interpreter, as it is written."""
    place: Span = field(default=Span(0, 0))
    """Where the path stands, with all that is replaced along with it; empty where there is nothing to replace."""
    script: Span | None = None
    """The zip archive that Python runs."""
    counts_from_itself: bool = True
    """Whether a relative path can be written that counts from the launcher's own folder, and not from the working directory."""
