"""A launcher that nobody here knows: a program with a zip behind it that holds a `__main__.py` and nothing else.

Those of uv before 0.1.8 are among them, which start the python.exe of their own folder.
"""

from __future__ import annotations

import io
import zipfile

from bundler.binaries.pe.headers import Headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers.archive import find_archive
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind, Span
from bundler.systems.windows.launchers.programs import is_gui


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The launcher in a file whose own bytes end at `end`; None for a program with another archive, or none."""
    archive = find_archive(data, headers.contents_end, end)
    if archive is None or _names(archive.of(data)) != ["__main__.py"]:
        return None
    return Launcher(
        LauncherKind.UNKNOWN,
        is_gui(headers),
        headers.machine,
        python="",
        place=Span(archive.start, archive.start),
        script=archive,
        counts_from_itself=False,
    )


def _names(archive: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            return file.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return []


def relocated(data: bytes, headers: Headers, launcher: Launcher, python: str) -> bytes:
    """None that is known: raises CannotPatch."""
    raise CannotPatch("its launcher is not known")
