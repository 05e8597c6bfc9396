"""Heads of scripts, by who wrote them: each reading with its interpreter, its arguments and its length."""

from __future__ import annotations

import pytest

from bundler.rewrite.launchers import LAUNCHERS, Head, Unnamed, read_heads
from bundler.rewrite.launchers.setuptools import StandIn, read_stand_in

BODY = b"import sys\n"
EXEC = b"""#!/bin/sh
'''exec' %s "$0" "$@"
' '''
"""


@pytest.mark.parametrize(
    ("head", "interpreter", "arguments"),
    [
        pytest.param(b"#!/venv/bin/python3.12\n", "/venv/bin/python3.12", (), id="pip, setuptools"),
        pytest.param(b"#! /venv/bin/python -E  -s\r\n", "/venv/bin/python", ("-E", "-s"), id="with arguments"),
        pytest.param(b"#!python\n", Unnamed.OWN, (), id="a wheel's, before it is installed"),
        pytest.param(b"#!pythonw -u\n", Unnamed.OWN, ("-u",), id="a wheel's, with a window"),
        pytest.param(b"#!/usr/bin/env python3\n", Unnamed.ON_PATH, (), id="env"),
        pytest.param(b"#!/usr/bin/env -S python3.12 -I\n", Unnamed.ON_PATH, ("-I",), id="env with arguments"),
        pytest.param(EXEC % b'"/a venv/bin/python"', "/a venv/bin/python", (), id="distlib"),
        pytest.param(EXEC % b"/venv/bin/python -sE", "/venv/bin/python", ("-sE",), id="distlib, with arguments"),
        pytest.param(EXEC % b"'/it'\\''s/bin/python'", "/it's/bin/python", (), id="uv"),
        pytest.param(EXEC % b'"$(dirname -- "$(realpath -- "$0")")"/\'python\'', Unnamed.OWN, (), id="uv, relocatable"),
        pytest.param(
            EXEC.replace(b"'''exec", b"# coding: utf-8\n'''exec") % b"\"$(printf %%b '\\0057')\"",
            Unnamed.OWN,
            (),
            id="uv, cookie",
        ),
    ],
)
def test_a_head_is_recognised_by_one_writer(
    head: bytes, interpreter: str | Unnamed, arguments: tuple[str, ...]
) -> None:
    assert read_heads(head + BODY) == (Head(interpreter, arguments, len(head)),)
    assert sum(bool(recognise(head + BODY)) for recognise in LAUNCHERS) == 1


def test_a_path_with_spaces_can_be_read_in_several_ways() -> None:
    head = b"#!/home/python 3/bin/python -u\n"
    assert read_heads(head + BODY) == (
        Head("/home/python", ("3/bin/python", "-u"), len(head)),
        Head("/home/python 3/bin/python", ("-u",), len(head), guessed=True),
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"import sys\n",
        b"#!",
        b"#!/bin/sh\necho python\n",
        b"#!/usr/bin/perl\n",
        b"#!/usr/bin/env node\n",
        b"#!/usr/bin/python2\n",
        b"#!/opt/mypython/run\n",
        EXEC % b"'/venv/bin/python",
        EXEC.replace(b"' '''", b"'''") % b"/venv/bin/python",
    ],
)
def test_other_programs_have_no_head(data: bytes) -> None:
    assert read_heads(data) == ()


def stand_in(path: str) -> bytes:
    return (
        "#!/venv/bin/python\n# EASY-INSTALL-DEV-SCRIPT: 'my-app==0.1','run-app'\n"
        f"__requires__ = 'my-app==0.1'\n__import__('pkg_resources').require('my-app==0.1')\n__file__ = {path}\n"
    ).encode()


def test_a_stand_in_names_its_project_and_the_project_s_script() -> None:
    assert read_stand_in(stand_in("'/src/my app/run-app'")) == StandIn("my-app", "/src/my app/run-app")
    assert read_stand_in(stand_in('"/src/it\'s/run-app"')) == StandIn("my-app", "/src/it's/run-app")


@pytest.mark.parametrize(
    "data", [b"#!/venv/bin/python\nprint()\n", stand_in("'/a' + '/b'"), b" " * 4096 + stand_in("'/a'")]
)
def test_other_scripts_are_no_stand_ins(data: bytes) -> None:
    assert read_stand_in(data) is None
