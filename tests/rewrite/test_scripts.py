"""Scripts find the bundle by themselves: every header that installers write, every shell, every way to call."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bundler.rewrite.scripts import RewrittenScript, rewrite_script
from tests.material.programs import need

BODY = (
    b"import json, os, sys\n"
    b"flags = sys.flags\n"
    b"print(json.dumps([sys.argv, os.getcwd(), os.environ.get('PYTHONHOME'), flags.no_user_site, flags.ignore_environment]))\n"
)


def rewritten(data: bytes, any_python: bool = False, isolated: bool = False) -> RewrittenScript | None:
    return rewrite_script(
        data,
        is_ours=lambda path: path.startswith("/venv"),
        to_bin=".",
        side_file="../libexec/bundler/app",
        any_python=any_python,
        isolated=isolated,
    )


def install(folder: Path, script: RewrittenScript) -> Path:
    """A `bin/` with the script and a `python` that is this one."""
    (folder / "bin").mkdir(parents=True)
    (folder / "libexec/bundler").mkdir(parents=True)
    python = folder / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -W error "$@"\n')
    app = folder / "bin/app"
    app.write_bytes(script.data)
    if script.side_data is not None:
        (folder / "libexec/bundler/app").write_bytes(script.side_data)
    for path in (python, app):
        path.chmod(0o755)
    return app


def answer(*command: str | Path, cwd: Path | None = None, **env: str) -> list[object]:
    # yash takes names apart by the locale, and cannot read an é in the C locale.
    variables = {"PATH": "/usr/bin:/bin", "PYTHONHOME": "/usr", "LC_ALL": "C.UTF-8", **env}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=variables, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert isinstance(result, list)
    return result


HEADERS = {
    "plain": b"#!/venv/bin/python3.12\n",
    "with a space behind #!": b"#! /venv/bin/python\n",
    "path with spaces, as pip writes it": b"#!/venv with space/bin/python -u\n",
    "carriage return": b"#!/venv/bin/python3\r\n",
    "with a tab": b"#!\t/venv/bin/python3\t-s\n",
    "placeholder": b"#!python\n",
    "distlib, quoted": b"#!/bin/sh\n'''exec' \"/venv with space/bin/python\" \"$0\" \"$@\"\n' '''\n",
    "uv, single quotes": b"#!/bin/sh\n'''exec' '/venv x/bin/python3' \"$0\" \"$@\"\n' '''\n",
    "uv, long": b"#!/bin/sh\n'''exec' /venv/bin/python3 \"$0\" \"$@\"\n' '''\n",
    "uv relocatable": b"#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python' \"$0\" \"$@\"\n' '''\n",
    "uv, with a coding cookie": b"#!/bin/sh\n# coding: utf-8\n'''exec' \"$(printf %b '\\'0057 '\\'0166 '\\'0145 '\\'0156 '\\'0166"
    b" '\\'0057 '\\'0160 '\\'0171 '\\'0164 '\\'0150 '\\'0157 '\\'0156)\" \"$0\" \"$@\"\n' '''\n",
    "uv relocatable, old": b"#!/bin/sh\n"
    b'\'\'\'exec\' "$(CDPATH= cd -- "$(dirname -- "$0")" && echo "$PWD")"/\'python3\' "$0" "$@"\n\' \'\'\'\n',
}


@pytest.mark.parametrize("name", HEADERS)
def test_every_installer_s_header_is_replaced(tmp_path: Path, name: str) -> None:
    script = rewritten(HEADERS[name] + BODY)
    assert script is not None
    assert script.side_data is None
    assert b"/venv" not in script.data
    app = install(tmp_path, script)
    assert answer(app, "a b", "")[:3] == [[str(app), "a b", ""], os.getcwd(), None]
    assert rewritten(script.data) is None, "our own header stays"


@pytest.mark.parametrize(
    "shell", ["dash", "bash", "bash --posix", "busybox sh", "zsh --emulate sh", "ksh", "mksh", "yash"]
)
def test_the_header_runs_under_every_shell_through_links_and_odd_names(tmp_path: Path, shell: str) -> None:
    need(shell.split(maxsplit=1)[0])
    script = rewritten(HEADERS["plain"] + BODY)
    assert script is not None
    folder = tmp_path / "sp ace 'quote\" $HOME é -x"
    app = install(folder, script)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/-chain").symlink_to("one")
    (tmp_path / "links/one").symlink_to(f"../{folder.name}/bin/app")
    (tmp_path / "absolute").symlink_to(app)
    for path, cwd in (
        (app, tmp_path),
        ("./-chain", tmp_path / "links"),
        ("absolute", tmp_path),
        ("app", app.parent),
    ):
        result = answer(*shell.split(), path, "x y", cwd=cwd)
        assert result[1:3] == [str(cwd), None]
        assert isinstance(result[0], list)
        assert result[0][1:] == ["x y"]


def test_arguments_of_the_interpreter_are_kept(tmp_path: Path) -> None:
    for header in (b"#!/venv/bin/python -sE\n", b"#!/bin/sh\n'''exec' /venv/bin/python -sE \"$0\" \"$@\"\n' '''\n"):
        script = rewritten(header + BODY)
        assert script is not None
        assert b'/python" -sE "$__bundler_script"' in script.data
        shutil.rmtree(tmp_path)
        assert answer(install(tmp_path, script))[3:] == [1, 1]


@pytest.mark.parametrize(
    "data",
    [
        b"#!/bin/sh\necho /venv/bin/python\n",
        b"#!/usr/bin/env python3\nprint()\n",
        b"#!/usr/bin/perl\n",
        b"#!/other/bin/python3\n",
        b"import sys\n",
        b"\x7fELF",
        b"",
        b"#!",
    ],
)
def test_what_is_not_the_environment_s_python_stays(data: bytes) -> None:
    assert rewritten(data) is None


def test_any_python_means_the_bundle_s_on_request() -> None:
    for first in (
        b"#!/usr/bin/env python3",
        b"#!/usr/bin/env -S python3 -u",
        b"#!/usr/bin/python3",
        b"#! /usr/bin/python",
        b"#!/bin/sh\n'''exec' \"/old place/bin/python3\" \"$0\" \"$@\"\n' '''",
    ):
        assert rewritten(first + b"\nprint()\n", any_python=True) is not None
        assert rewritten(first + b"\nprint()\n") is None
    assert rewritten(b"#!/bin/sh\n'''exec' /usr/bin/perl \"$0\" \"$@\"\n' '''\n", any_python=True) is None
    spaced = b"#!/old place/bin/python3"  # no kernel reads it so
    assert rewritten(spaced + b"\nprint()\n", any_python=True) is None
    for first in (b"#!/usr/bin/env node", b"#!/usr/bin/python2", b"#!/usr/bin/python2.7 -u", b"#!/usr/bin/env python2"):
        assert rewritten(first + b"\nprint()\n", any_python=True) is None


def test_a_docstring_before_syntax_of_a_newer_python_survives() -> None:
    script = rewritten(b'#!/venv/bin/python\n# A comment.\n"""The docs."""\nnew syntax of 2030 ::=\n')
    assert script is not None
    assert script.side_data is not None


@pytest.mark.parametrize(
    "body",
    [
        b'"""The docs."""\nfrom __future__ import annotations\nimport sys\nprint(__doc__, sys.argv[0][-3:], __name__)\n',
        b'# -*- coding: latin-1 -*-\n"""The docs."""\nimport sys\nassert "\xe9" == chr(233)\n'
        b"print(__doc__, sys.argv[0][-3:], __name__)\n",
        b'# A comment.\n\n("The docs.")\nimport sys\nprint(__doc__, sys.argv[0][-3:], __name__)\n',
    ],
)
def test_docstrings_and_encodings_survive_in_a_side_file(tmp_path: Path, body: bytes) -> None:
    script = rewritten(b"#!/venv/bin/python\n" + body)
    assert script is not None
    assert script.side_data is not None
    assert script.side_data.endswith(body)
    assert script.side_data.count(b"\n") == body.count(b"\n") + 1
    app = install(tmp_path, script)
    (tmp_path / "link").symlink_to(app)
    done = subprocess.run([tmp_path / "bin/app"], capture_output=True, text=True, check=False)
    assert done.stdout == "The docs. app __main__\n", done.stderr
    done = subprocess.run([tmp_path / "link"], capture_output=True, text=True, check=False)
    assert done.stdout == "The docs. ink __main__\n", done.stderr


def test_a_side_file_does_not_tell_which_header_the_place_of_the_environment_asked_for() -> None:
    """uv writes three lines in place of one where the path has a space, or is long."""
    cookie, docs = b"# -*- coding: latin-1 -*-\n", b'"""The docs."""\n'
    short = rewritten(b"#!/venv/bin/python\n" + cookie + docs)
    lines = b"'''exec' '/venv with space/bin/python' \"$0\" \"$@\"\n' '''\n"
    for long in (b"#!/bin/sh\n" + lines + cookie + docs, b"#!/bin/sh\n" + cookie + lines + docs):
        assert rewritten(long) == short


def test_an_archive_behind_a_shebang_still_runs(tmp_path: Path) -> None:
    archive = tmp_path / "app.pyz"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("__main__.py", BODY)
    script = rewritten(b"#!/venv/bin/python\n" + archive.read_bytes())
    assert script is not None
    assert script.side_data is None
    assert isinstance(answer(install(tmp_path / "bundle", script), "x")[0], list)


def test_a_header_whose_quotes_do_not_end_is_none_of_ours() -> None:
    assert rewritten(b"#!/bin/sh\n'''exec' /env/bin/python 'x \"$0\" \"$@\"\n' '''\nprint()\n") is None
