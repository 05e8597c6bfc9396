"""A bundle's `tkinter` starts Tcl with the scripts that came along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bundler.rewrite.tcl import rewrite_module_paths, rewrite_tkinter

PATH = "lib/python3/tkinter/__init__.py"
TKINTER = b"import sys\nimport _tkinter\nclass Tk:\n    def __init__(self):\n        self.tk = _tkinter.create()\n"
STAND_IN = """
import os

TCL_VERSION, TK_VERSION = "8.6", "8.7"

def create():
    names = ("TCL_LIBRARY", "TK_LIBRARY")
    return [os.environ.get(name) for name in names]
"""
CODE = "import os, tkinter; print(tkinter.Tk().tk, [name for name in os.environ if '_LIBRARY' in name])"


@pytest.mark.parametrize(
    ("variables", "seen"),
    [({}, ["lib/tcl8.6", None]), ({"TCL_LIBRARY": "mine"}, ["mine", None])],
    ids=["the bundle's", "the user's own"],
)
def test_scripts_are_the_bundle_s_unless_the_user_says_otherwise(
    tmp_path: Path, variables: dict[str, str], seen: list[str | None]
) -> None:
    new = rewrite_tkinter(TKINTER, PATH, "lib")
    assert new is not None
    module = tmp_path / PATH
    module.parent.mkdir(parents=True)
    module.write_bytes(new.data)
    (tmp_path / "lib/python3/_tkinter.py").write_text(STAND_IN)
    (tmp_path / "lib/tcl8.6").mkdir()  # Tk's are not there
    command = [sys.executable, "-B", "-c", CODE]
    env = {"PYTHONPATH": str(tmp_path / "lib/python3"), **variables}
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert found.replace(f"{tmp_path}/", "") == f"{seen} {list(variables)}\n", "children see what the user set"


def test_the_addition_is_made_once_and_only_where_it_fits() -> None:
    new = rewrite_tkinter(TKINTER, PATH, "lib")
    assert new is not None
    assert rewrite_tkinter(new.data, PATH, "lib") is None
    assert rewrite_tkinter(b"import sys\n", PATH, "lib") is None


@pytest.mark.parametrize(
    ("folder", "modules", "more", "less"),
    [
        ("/usr/share/tcltk/tcl8.6", "tcl8", "roots {/usr/lib/tcltk /usr/share/tcltk} }\n", "roots {} }\n"),
        ("/usr/share/tcltk/tcl8.6", "tcl8", "roots [list /usr/lib/tcltk /usr/share/tcltk] }\n", "roots [list ] }\n"),
        (
            "/usr/lib/tcl9.0",
            "tcl9",
            "roots [lmap p [split {/usr/lib/tcltk /x} :] {\n",
            "roots [lmap p [split {} :] {\n",
        ),
    ],
    ids=["8.6.13", "8.6.18", "9.0"],
)
def test_the_folders_that_debian_names_become_the_bundle_s(folder: str, modules: str, more: str, less: str) -> None:
    """`paths` and what stands behind the last line of upstream's `tm.tcl`, in Debian's three forms of it."""
    text = "    variable paths {{{}}}\n# a/b /c\nif {{![interp issafe]}} {{::tcl::tm::Defaults}}\n"
    new = rewrite_module_paths((text.format(f"{folder}/{modules}") + more).encode())
    assert new is not None
    own = f"[::list [::file join [::info library] {modules}]]"
    assert new.data.decode() == text.format("").replace("{}", own, 1) + less
    assert rewrite_module_paths(new.data) is None
    assert rewrite_module_paths(text.format("").encode()) is None, "upstream's names none"
