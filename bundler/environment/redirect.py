"""`.venv` that is no folder: a file whose line names the environment, as virtualenv and other tools write it, or a link to it.

PEP 832 (a draft): the line is UTF-8, and a relative path counts from the file's folder. A file leads to an environment, never to
another file.
"""

from __future__ import annotations

from bundler.errors import NotAnEnvironment
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import is_file
from bundler.sysroot import HOST, Sysroot

REDIRECT = ".venv"
"""The name that such a file has."""
_LONGEST = 1 << 16
_HINT = "mend the file, or name the environment itself"
_LINK_HINT = "make the link anew, or name the environment itself"


def follow_file(path: str, sysroot: Sysroot = HOST) -> str | None:
    """The path that the file `.venv` at `path` leads to; None where there is no such file.

    An absolute line is a name as seen from inside the sysroot. Raises NotAnEnvironment for a file that leads to no folder.
    """
    real = sysroot.real(path)
    if os.path.basename(path.rstrip("/")) != REDIRECT or not is_file(real):
        return None
    line = _first_line(path, real)
    target = path_of_line(line, real, sysroot)
    if sysroot.real(target) == real:
        raise NotAnEnvironment(f"{path} is a file that leads to itself", _HINT)
    if not sysroot.is_dir(target):
        what = "is not a folder" if sysroot.exists(target) else "does not exist"
        raise NotAnEnvironment(f"{path} is a file that leads to {target}, which {what}", _HINT)
    return target


def path_of_line(line: str, file: str, sysroot: Sysroot = HOST) -> str:
    """The path that a line of the file at `file` (links followed) means: a name, or a path counted from there, in the root."""
    folder = sysroot.name_of(os.path.dirname(file))
    return sysroot.path_of(os.path.normpath(os.path.join(folder, line)))


def follow_link(path: str, sysroot: Sysroot = HOST) -> str | None:
    """The path at the end of the link at `path`; None where it is no link. Raises NotAnEnvironment for one that leads nowhere."""
    folder, name = os.path.split(path.rstrip("/"))
    place = os.path.join(sysroot.real(folder), name)
    if not os.path.islink(place):
        return None
    try:
        target = sysroot.real(place)
        os.stat(target)
    except FileNotFoundError:
        raise NotAnEnvironment(f"{path} is a link that leads to {target}, which does not exist", _LINK_HINT) from None
    except OSError as error:
        where = os.readlink(place)
        raise NotAnEnvironment(f"{path} is a link that leads to {where}: {error.strerror}", _LINK_HINT) from error
    return target


def _first_line(path: str, real: str) -> str:
    with opened(real) as file:
        content = file.read(_LONGEST)
    try:
        line = content.partition(b"\n")[0].removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise NotAnEnvironment(f"{path} is a file, and not one that leads to an environment: {error}", _HINT) from error
    if not line.strip() or "\0" in line:
        raise NotAnEnvironment(f"{path} is a file, and its first line names no environment", _HINT)
    return line
