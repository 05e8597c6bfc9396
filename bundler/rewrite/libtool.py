"""Libtool's descriptions of modules (`png.la`): a program that opens one by libltdl gets the module that it names.

The folder `libdir` wins there over the description's own. An empty one leads to the module beside it.
Source: libltdl's `find_module`.
"""

from __future__ import annotations

import re

_LIBDIR = re.compile(rb"^libdir='[^'\n]+'", re.MULTILINE)


def rewrite_libtool_description(data: bytes) -> bytes:
    """The description of a module that lies beside it."""
    return _LIBDIR.sub(b"libdir=''", data)
