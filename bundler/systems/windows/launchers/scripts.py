"""Scripts that are no programs: a first line that names Python, which py.exe or a launcher beside them reads; and batch files.

`#!..\\python.exe` is what py.exe takes from the script's own folder (PC/launcher2.c, _useShebangAsExecutable: Python 3.11 to 3.15).
An older one takes it from the working directory, and then starts nothing. `#!python` would start the newest Python of the machine,
in an activated bundle as well, in which py.exe looks for `Scripts\\python.exe`. What names no file of Windows
(`/usr/bin/env python3`) stays.
"""

from __future__ import annotations

import re

from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind
from bundler.systems.windows.launchers.setuptools import path_in_script

_LINE = re.compile(
    rb'#![ \t]*(?:"(?P<quoted>[^"\r\n]*)"|(?P<plain>[^\r\n]*?\.exe(?=[\s"]|$)|[^\s"]+))(?P<rest>[^\r\n]*)'
)
_PYTHON = re.compile(
    r"(?:.*[\\/])?(?P<name>python(?P<windowed>w?)(?:\d+(?:\.\d+)?t?)?(?:_d)?)(?:\.exe)?", re.IGNORECASE
)
_IN_BATCH = re.compile(rb'"(?P<path>(?:[A-Za-z]:|\\\\)[^"\r\n]*\\(?P<name>pythonw?)\.exe)"', re.IGNORECASE)


def relocated_script(data: bytes, python: str, beside: Launcher | None) -> bytes | None:
    """A script whose first line names Python by its path or its mere name; None for any other, and for one that moves already.

    `python` leads from the script's folder to the interpreter, and `beside` is the launcher that runs the script. Raises
    CannotPatch where that launcher cannot find this interpreter.
    """
    line = _LINE.match(data)
    if line is None:
        return None
    written = (line["quoted"] or line["plain"] or b"").decode("utf-8", "surrogateescape")
    named = _PYTHON.fullmatch(written)
    if named is None or written.startswith("/"):
        return None
    path = python if not named["windowed"] else re.sub(r"python(?=\.exe$)", "pythonw", python)
    if beside is not None and beside.kind is LauncherKind.SETUPTOOLS:
        path = path_in_script(path)
    head = b"#!" + path.encode() + line["rest"]
    return None if data.startswith(head) and line.end() == len(head) else head + data[line.end() :]


def relocated_batch(data: bytes, python: str) -> bytes | None:
    """A batch file that starts Python by its whole path in quotes, as poetry writes it; None where there is none."""

    def found_by_itself(match: re.Match[bytes]) -> bytes:
        path = python if match["name"].lower() == b"python" else re.sub(r"python(?=\.exe$)", "pythonw", python)
        return b'"%~dp0' + path.encode() + b'"'

    new = _IN_BATCH.sub(found_by_itself, data)
    return None if new == data else new
