"""`os.path` for Windows with paths that are divided by `/`, as all of Windows' own functions take them.

A path can then be taken apart and put together as elsewhere. What a person typed or Windows told may have `\\`; it goes as soon as
one of these functions sees it. Only texts: nothing here is for bytes.
"""

from __future__ import annotations

import ntpath
import os

sep = "/"
altsep = "\\"
_DEVICE, _DEVICE_SHARE = "\\\\?\\", "\\\\?\\UNC\\"


def __getattr__(name: str) -> object:
    """What is the same as in `ntpath`."""
    return getattr(ntpath, name)


def slashed(path: str) -> str:
    """A path with `/`, without the prefix by which Windows names paths that are not looked at any more."""
    if path.startswith(_DEVICE_SHARE):
        path = "\\\\" + path[len(_DEVICE_SHARE) :]
    elif path.startswith(_DEVICE):
        path = path[len(_DEVICE) :]
    return path.replace("\\", "/")


def join(path: str | os.PathLike[str], *paths: str) -> str:
    """See `os.path.join`."""
    return slashed(ntpath.join(path, *paths))


def normpath(path: str | os.PathLike[str]) -> str:
    """See `os.path.normpath`."""
    return slashed(ntpath.normpath(path))


def abspath(path: str | os.PathLike[str]) -> str:
    """See `os.path.abspath`."""
    return slashed(ntpath.abspath(path))


def realpath(path: str | os.PathLike[str], *, strict: bool = False) -> str:
    """See `os.path.realpath`: each part is spelled as it is on the disk."""
    if strict:
        os.stat(path)
    return slashed(ntpath.realpath(path))


def relpath(path: str | os.PathLike[str], start: str | os.PathLike[str] = os.curdir) -> str:
    """See `os.path.relpath`. A path on another drive than `start`, to which no relative one leads, is given back."""
    try:
        return slashed(ntpath.relpath(path, start))
    except ValueError:
        return abspath(path)


def dirname(path: str | os.PathLike[str]) -> str:
    """See `os.path.dirname`."""
    return slashed(ntpath.dirname(path))


def expanduser(path: str | os.PathLike[str]) -> str:
    """See `os.path.expanduser`."""
    return slashed(ntpath.expanduser(path))
