"""pkg-config files: paths that follow the file (`${pcfiledir}`, pkg-config 0.25 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bundler.rewrite import Rewritten
from bundler.rewrite.sysconfig import MovedDirectory, replace_directories

_VARIABLE = re.compile(rb"^(prefix|exec_prefix|libdir|includedir)[ \t]*=[^\r\n]*", re.MULTILINE)
# A bundle keeps its .pc files in lib/pkgconfig or share/pkgconfig, its libraries in lib and its headers in include.
_BUNDLE = b"${pcfiledir}/../.."


def rewrite_pkg_config(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """The file with its directories derived from its own place; None where they are already.

    Other values (`Libs.private`) may name the moved `directories`, too. Only variables that the file defines are used.
    """
    defined = {match[1] for match in _VARIABLE.finditer(data)}
    prefix = b"${prefix}" if b"prefix" in defined else _BUNDLE
    values = {
        b"prefix": _BUNDLE,
        b"exec_prefix": prefix,
        b"libdir": (b"${exec_prefix}" if b"exec_prefix" in defined else prefix) + b"/lib",
        b"includedir": prefix + b"/include",
    }
    new = _VARIABLE.sub(lambda match: match[1] + b"=" + values[match[1]], data)
    new = replace_directories(new, directories, prefix.decode()) or new
    return None if new == data else Rewritten(new, "directories follow the file")


def follow_place(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """A package's own file, which may lay things out as it likes: only the moved `directories` in it follow the file."""
    new = replace_directories(data, directories, _BUNDLE.decode())
    return None if new is None else Rewritten(new, "directories follow the file")
