"""Jupyter's kernels run on the bundle's Python and programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from string import Template
from typing import Any

import pytest

from bundler.rewrite import Rewritten
from bundler.rewrite.jupyter import rewrite_kernel

ENV = "/env \u00e9"
ROOT = "{resource_dir}/../../../.."


def rewritten(data: bytes) -> Rewritten | None:
    return rewrite_kernel(data, lambda path: path.startswith(f"{ENV}/"), [ENV], "../../../..")


def changed(**kernel: Any) -> dict[str, Any]:
    """What a kernel becomes; a second time changes nothing."""
    new = rewritten(json.dumps(kernel).encode())
    assert new is not None
    assert rewritten(new.data) is None
    return dict(json.loads(new.data))


def test_a_kernel_runs_on_the_bundle_s_python() -> None:
    kernel = {"argv": [f"{ENV}/bin/python3.12", "-m", "ipykernel_launcher"], "display_name": "k", "env": {"A": "1"}}
    assert changed(**kernel) == kernel | {"argv": ["python", "-m", "ipykernel_launcher"]}


def test_a_kernel_of_windows_runs_on_the_bundle_s_python() -> None:
    kernel = {"argv": ["C:\\env\\Scripts\\python.EXE", "-m", "ipykernel_launcher"]}
    new = rewrite_kernel(json.dumps(kernel).encode(), lambda path: path.startswith("C:\\env\\"), [], "../../../..")
    assert new is not None
    assert json.loads(new.data)["argv"] == ["python", "-m", "ipykernel_launcher"]
    assert rewrite_kernel(json.dumps(kernel).encode(), lambda _: False, [], "../../../..") is None


@pytest.mark.parametrize(
    ("argv", "new"),
    [
        ([f"{ENV}/bin/xcpp", "-f", "{connection_file}"], [f"{ROOT}/bin/xcpp", "-f", "{connection_file}"]),
        (["python", f"{ENV}/share/k.py"], ["python", f"{ROOT}/share/k.py"]),
        (["R", f"--lib={ENV}/lib:{ENV}", f"{ENV}2"], ["R", f"--lib={ROOT}/lib:{ROOT}", f"{ENV}2"]),
    ],
    ids=["the program", "a later word", "within a word"],
)
def test_every_word_that_names_the_environment_names_the_bundle(argv: list[str], new: list[str]) -> None:
    assert changed(argv=argv)["argv"] == new


def started(kernel: dict[str, Any], folder: Path, environment: dict[str, str]) -> str:
    """What a kernel prints that is started as jupyter_client does it: names in words, variables in values."""
    names = {"resource_dir": str(folder), "prefix": "/elsewhere"}
    argv = [re.sub(r"\{([A-Za-z0-9_]+)\}", lambda m: names.get(m[1], m[0]), word) for word in kernel["argv"]]
    env = {name: Template(value).safe_substitute(environment) for name, value in kernel["env"].items()}
    return subprocess.run(argv, env=environment | env, capture_output=True, text=True, check=True).stdout


def test_values_that_name_the_environment_name_the_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "sp ace $HOME/share/jupyter/kernels/k"
    folder.mkdir(parents=True)
    program = tmp_path / "sp ace $HOME/bin/show"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$OWN|$LIST|$OTHER|$1"\n')
    program.chmod(0o755)
    odd = ' "a" \\ `b` $(c) $$d {prefix} ${prefix}'
    env = {"OWN": f"{ENV}/lib", "LIST": f"${{HOME}}/x:{ENV}/lib:$HOME{odd}", "OTHER": "$HOME/y"}
    kernel = changed(argv=[f"{ENV}/bin/show", "{connection_file}"], env=env)
    root = os.path.join(folder, "../../../..")
    shown = started(kernel, folder, {"HOME": "/h", "PATH": "/usr/bin:/bin", "prefix": "p"})
    assert shown == f'{root}/lib|/h/x:{root}/lib:/h "a" \\ `b` $(c) $d {{prefix}} p|/h/y|{{connection_file}}\n'


def test_python_stays_the_bundle_s_behind_a_variable() -> None:
    for program in ("python", f"{ENV}/bin/python3"):
        assert changed(argv=[program, "-m", "k"], env={"A": ENV})["argv"][3:] == [ROOT, f"{ROOT}/bin/python", "-m", "k"]


def test_kernels_of_other_programs_stay_as_they_are() -> None:
    for data in (
        b'{"argv": ["/usr/bin/python3", "-m", "x"]}', b'{"argv": ["/env2/bin/xcpp"]}', b'{"argv": []}', b'{"argv": [1]}',
        b"[]", b"no json", b'{"argv": ["python", "-m", "x"]}', b"\xff", b'{"argv": ["x"], "env": {"A": 1}}',
    ):  # fmt: skip
        assert rewritten(data) is None, data
