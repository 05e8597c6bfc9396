"""`tkinter` and Tcl's own scripts: a bundle uses the Tcl that came along, whatever the host has.

libtcl looks for `init.tcl` where it was built for, and beside the executable only after that; TCL_LIBRARY comes before both
(Tcl 8.6, `tclInit` in generic/tclInterp.c). Debian's `tm.tcl` names the folders of modules as the distribution has them.
"""

from __future__ import annotations

import re

from bundler.rewrite import Rewritten
from bundler.rewrite.templates import read_template

_OWN_MODULES = re.compile(rb"(?<=variable paths )\{/\S*/(tcl\d+)\}")
_DEFAULTS_SET = b"{::tcl::tm::Defaults}"  # upstream ends with this statement
_FOLDER_OF_THE_HOST = re.compile(rb"(?<=[\s{])/[^\s{}\]]+ ?")


def rewrite_tkinter(data: bytes, path: str, libraries: str) -> Rewritten | None:
    """`tkinter/__init__.py` at a bundle path, with an addition at its end that starts Tcl with the scripts below `libraries`.

    None where it lacks the names that this needs, or has the addition.
    """
    folder = "../" * path.count("/") + libraries
    ending = read_template("tkinter_ending").replace("@FOLDER@", repr(folder)).encode()
    if b"\nimport _tkinter" not in data or b"_tkinter.create(" not in data or ending in data:
        return None
    return Rewritten(data + ending, "Tcl's scripts are the bundle's")


def rewrite_module_paths(data: bytes) -> Rewritten | None:
    """Tcl's `tm.tcl` without absolute folders; None where it names none."""
    paths, defaults, more = data.partition(_DEFAULTS_SET)
    paths = _OWN_MODULES.sub(rb"[::list [::file join [::info library] \1]]", paths)
    new = paths + defaults + _FOLDER_OF_THE_HOST.sub(b"", more)
    return None if new == data else Rewritten(new, "Tcl's modules are the bundle's")
