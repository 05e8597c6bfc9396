"""Tcl and Tk of a bundle: their scripts, modules and themes are its own, where the host has none and where it has others."""

from __future__ import annotations

import glob
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.material.display import Display, display
from tests.material.environments import make, pack
from tests.material.interpreters import Python, every_python
from tests.material.isolation import ENVIRONMENT, bare_root, hidden, in_root

pytestmark = pytest.mark.everything

PACKAGES = ("msgcat", "http", "tcltest", "platform", "opt")
VERSIONS = f"import tkinter; t = tkinter.Tcl(); print([t.eval('package require ' + name) for name in {PACKAGES}])"
FOLDER = "import tkinter; print(tkinter.Tcl().eval('info library'))"
OWN = """
import sys, tkinter

t = tkinter.Tcl()
for name in ("info library", "package require http; package ifneeded http [package provide http]"):
    assert sys.prefix in t.eval(name), t.eval(name)
print(t.eval("info exists ::marked"))
"""
MARKED = "set ::marked yes\n"
WINDOW = """
import shutil, sys, tkinter
from tkinter import ttk

window = tkinter.Tk()
window.geometry("320x200+0+0")
window.configure(background="#204060")
for theme in ttk.Style().theme_names():
    ttk.Style().theme_use(theme)
ttk.Button(window, text="bundled").pack(pady=20)
label = tkinter.Label(window, text="Tk", background="#c08020", width=10, height=2)
label.pack()
label.wait_visibility()
window.update()
window.winfo_pointerx()  # the server has drawn what it was told before it answers
shutil.copy(*sys.argv[1:])
print(sorted(ttk.Style().theme_names()))
"""


def with_tkinter() -> list[Python]:
    """The Pythons of this machine whose tkinter starts."""
    return [
        python
        for python in every_python()
        if subprocess.run([python.executable, "-c", FOLDER], capture_output=True, check=False).returncode == 0
    ]


@pytest.fixture(scope="module", params=["pyenv", "debian"])
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Python, Path]:
    """A bundle of an empty environment, of one Python from each source."""
    python = next((one for one in reversed(with_tkinter()) if one.source == request.param), None)
    if python is None:
        pytest.skip(
            f"no Python from {request.param} has tkinter: apt-get install python3-tk, tk-dev (before pyenv builds one)"
        )
    folder = tmp_path_factory.mktemp("tkinter")
    pack(make("venv", python, folder / "env"), folder / "bundle")
    return python, folder / "bundle"


def test_tcl_s_modules_are_there_without_the_host_s(packed: tuple[Python, Path], tmp_path: Path) -> None:
    python, bundle = packed
    there = subprocess.run([python.executable, "-c", VERSIONS], capture_output=True, text=True, check=True)
    done = in_root(bare_root(tmp_path / "root"), bundle, ["/opt/app/bin/python", "-c", VERSIONS])
    assert done.stdout == there.stdout, done.stderr


def test_the_host_s_tcl_of_the_same_version_never_wins(packed: tuple[Python, Path], tmp_path: Path) -> None:
    """Scripts of just that Tcl, and modules of later versions, stand where libtcl and Debian's `tm.tcl` look for them."""
    python, bundle = packed
    asked = subprocess.run([python.executable, "-c", FOLDER], capture_output=True, text=True, check=True)
    folder = Path(asked.stdout.strip())
    planted = tmp_path / "planted"
    subprocess.run(["cp", "-a", folder.parent, planted], check=True)
    init = planted / folder.name / "init.tcl"
    init.write_text(MARKED + init.read_text())
    later = MARKED + "package provide http 2.99\n"
    for place in (f"{folder.name}/tcl8", "tcl8/8.6"):
        (planted / place).mkdir(parents=True, exist_ok=True)
        (planted / place / "http-2.99.tm").write_text(later)
    cover = f"mount --bind '{planted}' '{folder.parent}'"
    found = hidden([], [python.executable, "-c", FOLDER + "; print(tkinter.Tcl().eval('set ::marked'))"], prepare=cover)
    assert found.stdout == f"{folder}\nyes\n", "it is planted where the source finds it"
    done = hidden([], [bundle / "bin/python", "-c", OWN], prepare=cover)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_window_opens_where_no_tcl_is(packed: tuple[Python, Path], tmp_path: Path) -> None:
    """With the fonts of the host: Tk opens no window without one."""
    python, bundle = packed
    patterns = ("/usr/share/tcltk", "/usr/lib/tcltk", "/usr/lib/*/libtcl*.so*", "/usr/lib/*/libtk*.so*")
    places = {*python.places} | {os.path.realpath(path) for pattern in patterns for path in glob.glob(pattern)}
    seen = tmp_path / "seen"
    with display(tmp_path / "screen") as shown:
        command = [str(bundle / "bin/python"), "-c", WINDOW, str(shown.screen), str(seen)]
        done = hidden(sorted(places), command, env={**ENVIRONMENT, "DISPLAY": shown.name})
    assert done.stdout == "['alt', 'clam', 'classic', 'default']\n", done.stderr
    drawn = Counter(f"#{colour & 0xFFFFFF:06x}" for colour in Display(shown.name, seen).pixels())
    assert drawn["#204060"] > 20_000, "the window's ground"
    assert drawn["#c08020"] > 1_000, "the label"
    assert len(drawn) > 10, "letters with soft edges"
