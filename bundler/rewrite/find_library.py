"""The standard library's `ctypes.util`: `find_library` finds the libraries of the bundle.

It asks `ldconfig`, `gcc` and `ld`, which know the host's alone. What it gives is a name; the loader, which has to find that,
looks into the bundle first.
"""

from __future__ import annotations

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template


def rewrite_ctypes_util(data: bytes, path: str, bundled: str) -> Rewritten | None:
    """`ctypes/util.py` at a bundle path, with an addition at its end that looks into the folder `bundled` first.

    None where it lacks `find_library`, or has the addition.
    """
    folder = "../" * path.count("/") + bundled
    ending = read_template("find_library_ending").replace("@FOLDER@", repr(folder)).encode()
    if b"def find_library(name" not in data or ending in data:
        return None
    return Rewritten(data + ending, "libraries of the bundle are found by name, too")
