"""distlib's launcher, which pip, virtualenv, installer (poetry, PDM, build) and others write: program, shebang line, zip.

It takes the last zip of its own file, and the last `#!` in the 260 bytes before that. `<launcher_dir>\\` in front of a path means
its own folder (distlib 0.2.9, which pip has since 19.2); any other relative path counts from the working directory. Measured
under Wine with the launchers of pip 10 to 26.
"""

from __future__ import annotations

import re

from bundler.binaries.pe.headers import Headers
from bundler.errors import CannotPatch
from bundler.systems.windows.launchers.archive import find_archive
from bundler.systems.windows.launchers.launcher import Launcher, LauncherKind, Span
from bundler.systems.windows.launchers.programs import is_gui, with_bytes

OWN_FOLDER = "<launcher_dir>\\"
"""Its case does not count; the backslash belongs to it."""
_SHEBANG = b"#!"
_WINDOW = 260
_WRITTEN_FOLDER = "<launcher_dir>".encode("utf-16-le")
_PATH = re.compile(
    r'(?P<folder><launcher_dir>\\)?(?:"(?P<quoted>[^"]*)"|(?P<plain>.*?\.exe(?=["\s]|$)|\S+))', re.IGNORECASE
)


def read(data: bytes, headers: Headers, end: int) -> Launcher | None:
    """The launcher in a file whose own bytes end at `end`; None for another program."""
    archive = find_archive(data, headers.contents_end, end)
    if archive is None:
        return None
    start = data.rfind(_SHEBANG, max(headers.contents_end, archive.start - _WINDOW), archive.start)
    lines = data[start : archive.start].splitlines(keepends=True) if start >= 0 else []
    if not lines or lines[0].rstrip(b"\r\n") == lines[0]:
        return None
    line = lines[0][len(_SHEBANG) :].decode("utf-8", "surrogateescape").strip()
    path = _PATH.match(line)
    if path is None:
        return None
    return Launcher(
        kind=LauncherKind.DISTLIB,
        gui=is_gui(headers),
        machine=headers.machine,
        python=(path["folder"] or "") + (path["quoted"] or path["plain"] or ""),
        arguments=line[path.end() :].strip(),
        place=Span(start, archive.start),
        script=archive,
        counts_from_itself=knows_its_folder(data[: headers.contents_end]),
    )


def knows_its_folder(program: bytes) -> bool:
    """Whether a launcher's program, without anything behind it, understands OWN_FOLDER."""
    return _WRITTEN_FOLDER in program


def relocated(data: bytes, headers: Headers, launcher: Launcher, python: str) -> bytes:
    """The launcher with a path that counts from its folder. Raises CannotPatch for a program that knows no such path."""
    if not launcher.counts_from_itself:
        raise CannotPatch("its launcher (pip before 19.2) takes no path that counts from its own folder")
    return with_bytes(data, headers, launcher.place, shebang(python, launcher.arguments))


def shebang(python: str, arguments: str) -> bytes:
    """The line for a path that counts from the launcher's folder. Raises CannotPatch for one that distlib would not find."""
    line = f"#!{OWN_FOLDER}{python}{' ' if arguments else ''}{arguments}\r\n".encode("utf-8", "surrogateescape")
    if len(line) > _WINDOW:
        raise CannotPatch(
            f"its options for Python are too long: {len(line)} bytes with the path, and {_WINDOW} are read"
        )
    return line
