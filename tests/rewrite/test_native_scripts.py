"""Scripts with a launcher: to Python they are what they were, however they are started."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from bundler.binaries.elf.launchers import WordKind, launcher_for, read_launcher
from bundler.platforms import this_platform
from bundler.rewrite.native_scripts import NativeStart
from bundler.rewrite.scripts import RewrittenScript, rewrite_script, side_file_path
from tests.material.interpreters import every_python

TELLS = """\
import json, os, sys, traceback
lines = [frame.lineno for frame in traceback.extract_stack()][-1:]
print(json.dumps([sys.argv, __file__, sys.path[0], __name__, __doc__, lines, __spec__ is None, sys.flags.no_user_site]))
"""
BODIES = {
    "plain": TELLS,
    "cookie": f"# -*- coding: utf-8 -*-\n# é\n{TELLS}",
    "docstring": f'"""The docs."""\n{TELLS}',
    "docstring with a comment": f'# é\n"""The docs."""  # é\n\n{TELLS}',
    "docstring of several lines": f"'''The docs.\n\né'''\n{TELLS}",
    "future": f"from __future__ import annotations\n{TELLS}",
    "both": f'"""The docs."""\n\nfrom __future__ import (\n    annotations,\n)  # noqa\nfrom __future__ import division\n{TELLS}',
    "expression": f'"not " + "docs"\n{TELLS}',
    "in parentheses": f'("docs")\n{TELLS}',
    "more on the line": f'"""The docs."""; x = 1\n{TELLS}',
    "future and more on the line": f"from __future__ import annotations; x = 1  # noqa\n{TELLS}",
    "carriage returns": f'"""The docs."""\n{TELLS}'.replace("\n", "\r\n"),
    "no end": f'"""The docs."""\n{TELLS}'.rstrip("\n"),
    "latin": f'# -*- coding: latin-1 -*-\nassert "é" == chr(233)\n{TELLS}',
}


def rewritten(data: bytes, path: str = "bin/app", *, isolated: bool = False) -> RewrittenScript:
    platform = this_platform()
    launcher = launcher_for(platform.machines[0].name) if platform and sys.platform == "linux" else None
    if launcher is None:
        pytest.skip("needs a Linux on a machine that there is a launcher for")
    script = rewrite_script(
        data,
        is_ours=lambda _: True,
        to_bin=os.path.relpath("bin", os.path.dirname(path)),
        side_file="",
        isolated=isolated,
        native=NativeStart(launcher, path, side_file_path(path)),
    )
    assert script is not None
    return script


def install(root: Path, data: bytes, path: str = "bin/app", python: str = sys.executable, **options: bool) -> Path:
    """The script in a bundle whose `bin/python` is this one."""
    script = rewritten(data, path, **options)
    contents = {path: script.data, "bin/python": f'#!/bin/sh\nexec {python} -W error "$@"\n'.encode()}
    if script.side_data is not None:
        contents[side_file_path(path)] = script.side_data
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        (root / name).chmod(0o755)
    return root / path


def answer(command: Sequence[str | Path], cwd: Path | None = None) -> list[object]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


def encoded(name: str) -> bytes:
    return b"#!python\n" + BODIES[name].encode("latin-1" if name == "latin" else "utf-8")


@pytest.mark.parametrize("name", BODIES)
def test_a_script_is_to_python_what_it_was(tmp_path: Path, name: str) -> None:
    app = install(tmp_path / "é where", encoded(name))
    plain = tmp_path / "é where/bin/plain"
    plain.write_bytes(encoded(name))
    asked = answer([sys.executable, "-W", "error", plain, "a b"])
    expected = json.loads(json.dumps(asked).replace("bin/plain", "bin/app"))
    assert answer([app, "a b"]) == expected
    # Python is given the launcher itself, as by a program that starts itself anew.
    assert answer([sys.executable, app, "a b"]) == expected
    (tmp_path / "link").symlink_to(app)
    (tmp_path / "plain").symlink_to(plain)
    asked = answer([sys.executable, "./plain"], cwd=tmp_path)  # from Python 3.9 on `__file__` is a whole path
    assert answer(["./link"], cwd=tmp_path) == json.loads(json.dumps(asked).replace("./plain", "./link"))


def test_only_another_encoding_and_unusual_first_lines_are_started_by_way_of_the_archive() -> None:
    by_archive = set()
    for name in BODIES:
        launcher = read_launcher(rewritten(encoded(name)).data)
        assert launcher is not None and launcher.is_whole
        if launcher.words[-1].kind is WordKind.CALLED:
            by_archive.add(name)
    assert by_archive == {"expression", "in parentheses", "latin"}


@pytest.mark.parametrize("path", ["app", "lib/python3.12/site-packages/pkg/app"])
def test_a_script_of_another_folder_has_that_on_its_path(tmp_path: Path, path: str) -> None:
    app = install(tmp_path, b"#!python\n" + TELLS.encode(), path)
    assert answer([app])[:3] == [[str(app)], str(app), str(app.parent)]


def test_arguments_of_the_interpreter_are_kept_and_isolation_is_added(tmp_path: Path) -> None:
    launcher = read_launcher(rewritten(b"#!/venv/bin/python -u -Xutf8\npass\n", isolated=True).data)
    assert launcher is not None
    words = [word.text for word in launcher.words]
    assert words == ["python", "-Xbundler=", "-E", "-s", "-u", "-Xutf8", "../libexec/bundler/bin/app"]
    app = install(tmp_path, b"#!/venv/bin/python -I\n" + TELLS.encode())
    plain = tmp_path / "bin/plain"
    plain.write_text(f"#\n{TELLS}")
    asked = answer([sys.executable, "-I", plain])
    assert answer([app]) == json.loads(json.dumps(asked).replace("bin/plain", "bin/app"))
    assert answer([sys.executable, "-I", app])[:3] == [[str(app)], str(app), asked[2]]


@pytest.mark.parametrize("arguments", ["-m pdb", "-x", "-Emtimeit", "-c pass"])
def test_a_script_that_python_does_not_read_from_its_first_line_on_keeps_the_header(arguments: str) -> None:
    assert rewritten(f"#!/venv/bin/python {arguments}\npass\n".encode()).data.startswith(b"#!/bin/sh\n")


def test_an_archive_behind_a_shebang_is_the_archive_behind_the_launcher(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", "import sys; print([sys.argv, __file__])")
    assert rewritten(b"#!python\n" + (tmp_path / "app.zip").read_bytes()).side_data is None
    app = install(tmp_path, b"#!/venv/bin/python\n" + (tmp_path / "app.zip").read_bytes())
    done = subprocess.run([app, "x"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{[[str(app), 'x'], f'{app}/__main__.py']}\n"


def test_a_fault_shows_the_line_where_it_is(tmp_path: Path) -> None:
    app = install(tmp_path, b'#!python\n"""Docs."""\nimport sys\n\n1 / 0  # here\n')
    done = subprocess.run([app], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(r'libexec/bundler/bin/app", line 5, in <module>\n +1 / 0  # here\n', done.stderr)


STARTS_ITSELF = """#!python
import multiprocessing, os, sys

def square(number):
    return number * number

if __name__ == "__main__":
    if len(sys.argv) == 1:
        os.execv(sys.executable, [sys.executable, *sys.argv, "by argv"])
    if sys.argv[1:] == ["by argv"] and sys.version_info >= (3, 10):
        os.execv(sys.executable, [*sys.orig_argv[:-1], "by orig_argv"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(sys.argv[1:], pool.map(square, [3]))
"""


@pytest.mark.parametrize("docs", ["", '"""Docs."""\n'])
def test_a_script_that_starts_itself_anew_and_processes_of_multiprocessing(tmp_path: Path, docs: str) -> None:
    app = install(tmp_path, STARTS_ITSELF.replace("#!python\n", f"#!python\n{docs}").encode())
    done = subprocess.run([app], capture_output=True, text=True, check=False)
    assert done.stdout == f"['by {'orig_' if sys.version_info >= (3, 10) else ''}argv'] [9]\n", done.stderr


def test_a_script_that_another_one_runs_in_its_own_process_does_not_take_the_other_s_name(tmp_path: Path) -> None:
    other = install(tmp_path, encoded("docstring"), "bin/other")
    app = install(tmp_path, f"#!python\nimport runpy\nrunpy.run_path({str(other)!r}, run_name='__main__')\n".encode())
    assert answer([app])[:2] == [[str(other)], str(other)]


@pytest.mark.everything
@pytest.mark.parametrize("name", ["plain", "both", "latin"])
def test_every_python_takes_it(tmp_path: Path, name: str) -> None:
    tried = 0
    for number, python in enumerate(every_python()):
        app = install(tmp_path / str(number), encoded(name), python=python.executable)
        assert answer([app, "x"])[:4] == [[str(app), "x"], str(app), str(app.parent), "__main__"]
        assert answer([python.executable, app, "x"])[:4] == [[str(app), "x"], str(app), str(app.parent), "__main__"]
        tried += 1
    assert tried


def test_syntax_that_this_python_does_not_know_does_not_hide_what_stands_before_it() -> None:
    script = rewritten(b'#!python\n"""Docs."""\nfrom __future__ import annotations\n0x\n$ ? "\n')
    assert script.side_data is not None
    assert script.side_data.splitlines()[2].startswith(
        b"from __future__ import annotations; import os as _bundler_os, "
    )
    assert script.side_data.splitlines()[3:] == [b"0x", b'$ ? "']
