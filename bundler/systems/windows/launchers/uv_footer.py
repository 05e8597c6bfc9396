"""uv's trampoline before uv 0.9.9: behind the program come a zip, the path of Python, its length and four letters.

`UVSC` is a script and `UVPY` stands in for python.exe; until uv 0.5 scripts had `UVUV`, and there was no other kind. Relative paths
count from the trampoline's own folder since uv 0.2 (`uv venv --relocatable`), before from the working directory: the program's
messages tell which. Measured under Wine with the trampolines of uv 0.1.20 to 0.9.8. Those of uv before 0.1.8 have no path.
"""

from __future__ import annotations

import struct

from bundler.binaries.pe.headers import Headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers.archive import find_archive
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind, Span
from bundler.systems.windows.launchers.programs import is_gui, with_bytes

_END = struct.Struct("<I4s")
_OLD, _SCRIPT, _PYTHON = b"UVUV", b"UVSC", b"UVPY"
_LONGEST_PATH = 1 << 15
_JOINS = (b"no parent directory", b"Could not construct the absolute path to the Python executable")
"""What only those say that join a relative path to their own folder."""


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The trampoline in a file whose own bytes end at `end`; None for another program."""
    if end - _END.size < headers.contents_end:
        return None
    length, magic = _END.unpack_from(data, end - _END.size)
    place = Span(end - _END.size - length, end)
    if magic not in (_OLD, _SCRIPT, _PYTHON) or not 0 < length < _LONGEST_PATH or place.start < headers.contents_end:
        return None
    archive = find_archive(data, headers.contents_end, place.start) if magic != _PYTHON else None
    if archive is None and magic != _PYTHON:
        return None
    try:
        python = data[place.start : place.start + length].decode("utf-8")
    except UnicodeDecodeError:
        return None
    return Launcher(
        kind=LauncherKind.UV_PYTHON if archive is None else LauncherKind.UV_FOOTER,
        gui=is_gui(headers),
        machine=headers.machine,
        python=python,
        place=place,
        script=archive,
        counts_from_itself=any(text in data[: headers.contents_end] for text in _JOINS),
    )


def relocated(data: bytes, headers: Headers, launcher: Launcher, python: str) -> bytes:
    """The trampoline with another path. Raises CannotPatch for one that would count it from elsewhere."""
    if not launcher.counts_from_itself:
        raise CannotPatch("its trampoline (uv before 0.2) takes no path that counts from its own folder")
    path = python.encode("utf-8", "surrogateescape")
    magic = launcher.place.of(data)[-4:]
    return with_bytes(data, headers, launcher.place, path + _END.pack(len(path), magic))
