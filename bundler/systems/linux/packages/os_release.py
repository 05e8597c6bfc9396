"""`/etc/os-release`: which distribution a machine runs (os-release(5))."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from bundler.files import read_regular
from bundler.machine.failing import unless_failing
from bundler.sysroot import Sysroot

_PLACES = ("/etc/os-release", "/usr/lib/os-release")


class OsRelease(NamedTuple):
    """What the file says; "" for what it does not say."""

    identifier: str = ""
    """ID: `debian`."""
    version: str = ""
    """VERSION_ID: `12`."""


def read_os_release(root: Sysroot) -> OsRelease:
    """The distribution in a root. A file that is not there, or cannot be read, says nothing."""
    for place in _PLACES:
        try:
            data = read_regular(root.real(root.path_of(place)))
        except (OSError, ValueError) as error:
            unless_failing(error, place)
            continue
        return parse_os_release(data.decode("utf-8", "replace"))
    return OsRelease()


def parse_os_release(text: str) -> OsRelease:
    """What a text says: lines `NAME=value`, quoted as for a shell."""
    values = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values[name] = _unquoted(value)
    return OsRelease(values.get("ID", ""), values.get("VERSION_ID", ""))


def _unquoted(value: str) -> str:
    try:
        return "".join(shlex.split(value)[:1])
    except ValueError:  # a quote that is not closed
        return ""
