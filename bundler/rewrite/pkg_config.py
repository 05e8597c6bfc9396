"""pkg-config files: paths that follow the file (`${pcfiledir}`, pkg-config 0.25 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bundler.rewrite import Rewritten
from bundler.rewrite.sysconfig import MovedDirectory, replace_directories

_VARIABLE = re.compile(rb"^(prefix|exec_prefix|libdir|includedir)[ \t]*=[^\r\n]*", re.MULTILINE)
# A bundle keeps its .pc files in lib/pkgconfig, its libraries in lib and its headers in include.
_VALUES = {
    b"prefix": b"${pcfiledir}/../..",
    b"exec_prefix": b"${prefix}",
    b"libdir": b"${exec_prefix}/lib",
    b"includedir": b"${prefix}/include",
}


def rewrite_pkg_config(data: bytes, directories: Sequence[MovedDirectory]) -> Rewritten | None:
    """The file with its directories derived from its own place; None where they are already.

    Other values (`Libs.private`) may name the moved `directories`, too.
    """
    new = _VARIABLE.sub(lambda match: match[1] + b"=" + _VALUES[match[1]], data)
    new = replace_directories(new, directories, "${prefix}") or new
    return None if new == data else Rewritten(new, "directories follow the file")
