"""What an environment holds beside its packages: files of other tools follow the bundle, files of nobody else's stay."""

from __future__ import annotations

import json
import os

import pytest

from bundler.entries import Entry, Literal, Source
from bundler.environment import load_environment
from bundler.plan.make import Plan, make_plan
from tests.material.environments import empty_environment


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """For an environment with a kernel, a .pc file, `.pth` files that lead nowhere, and scripts named nearly as others are."""
    environment = tmp_path_factory.mktemp("planned") / "env"
    empty_environment(environment)
    packages = os.path.relpath(next(environment.glob("lib/python3*/site-packages")), environment)
    files = {
        "share/jupyter/kernels/own/kernel.json": json.dumps({"argv": [f"{environment}/bin/python", "-m", "kernel"]}),
        "lib/pkgconfig/app.pc": f"prefix={environment}\n",
        "bin/activate_model": f"#!{environment}/bin/python\n",
        "bin/activate.model": f"#!{environment}/bin/python\n",
        "bin/deactivate-model": f"#!{environment}/bin/python\n",
        "bin/activate_this.py": "# finds its place by itself\n",
        "bin/deactivate.nu": "# the environment's\n",
        "share/tool/venv/pyvenv.cfg": "home = /nowhere/bin\n",
        f"{packages}/stale.pth": "/nowhere/project/src\n../../../../nowhere\n",
        f"{packages}/half.pth": "import sys\n/nowhere/project/src\nvendored\n",
        f"{packages}/torn-1.dist-info/RECORD": 'torn.txt,,\n"and then' + "." * 200_000,
    }
    for path, text in files.items():
        (environment / path).parent.mkdir(parents=True, exist_ok=True)
        (environment / path).write_text(text)
    (environment / packages / "dangling.pth").symlink_to("/nowhere/x.pth")
    (environment / packages / "folder.pth").mkdir()
    return make_plan(load_environment(str(environment)))


@pytest.fixture(scope="module")
def entries(plan: Plan) -> dict[str, Entry]:
    return {entry.path: entry for entry in plan.entries}


def text(entry: Entry) -> str:
    assert isinstance(entry.content, Literal)
    return entry.content.data.decode()


def test_a_kernel_of_jupyter_starts_the_bundle_s_python(entries: dict[str, Entry]) -> None:
    kernel = json.loads(text(entries["share/jupyter/kernels/own/kernel.json"]))
    assert kernel == {"argv": ["python", "-m", "kernel"]}


def test_an_environment_in_the_environment_is_told_of(plan: Plan) -> None:
    assert [warning for warning in plan.warnings if "virtual environment of its own" in warning] == [
        "share/tool/venv is a virtual environment of its own, whose Python stays behind: it will not run in the bundle"
    ]


def test_a_pkg_config_file_of_a_package_follows_its_place(entries: dict[str, Entry]) -> None:
    assert text(entries["lib/pkgconfig/app.pc"]) == "prefix=${pcfiledir}/../..\n"


def test_only_activation_scripts_are_taken_for_activation_scripts(entries: dict[str, Entry]) -> None:
    for name in ("activate_model", "activate.model", "deactivate-model"):
        assert text(entries[f"bin/{name}"]).startswith("#!/bin/sh\n")
    assert isinstance(entries["bin/activate_this.py"].content, Source)
    assert "bin/deactivate.nu" not in entries
    assert entries["bin/activate"].origin == "bundler"


def test_pth_files_lead_to_no_place_outside_that_is_not_there(plan: Plan, entries: dict[str, Entry]) -> None:
    pth = {os.path.basename(path): entry for path, entry in entries.items() if path.endswith(".pth")}
    assert sorted(pth) == ["folder.pth", "half.pth"]
    assert text(pth["half.pth"]) == "import sys\nvendored\n"
    warnings = [warning.rpartition("site-packages/")[2] for warning in plan.warnings if "left out" in warning]
    assert warnings == [
        "dangling.pth is a link to /nowhere/x.pth, which is not there: left out",
        "half.pth names /nowhere/project/src, which is not there: left out",
        "stale.pth names ../../../../nowhere, which is not there: left out",
        "stale.pth names /nowhere/project/src, which is not there: left out",
    ]


def test_a_list_of_files_that_is_damaged_is_told_of(plan: Plan) -> None:
    """What it names no more would else be nobody's, without a word."""
    assert [warning for warning in plan.warnings if "torn" in warning] == [
        "torn-1.dist-info/RECORD is damaged (field larger than field limit (131072))"
    ]
