"""What an environment holds beside its packages: files of other tools follow the bundle, files of nobody else's stay."""

from __future__ import annotations

import json

import pytest

from bundler.environment import load_environment
from bundler.plan.entries import Entry, Literal, Source
from bundler.plan.making import make_plan
from tests.material.environments import run
from tests.material.interpreters import main_python


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    """The entries for an environment with a kernel, a .pc file, and scripts whose names begin as those of others do."""
    environment = tmp_path_factory.mktemp("planned") / "env"
    run([main_python().executable, "-m", "venv", "--without-pip", environment])
    files = {
        "share/jupyter/kernels/own/kernel.json": json.dumps({"argv": [f"{environment}/bin/python", "-m", "kernel"]}),
        "lib/pkgconfig/app.pc": f"prefix={environment}\n",
        "bin/activate_model": f"#!{environment}/bin/python\n",
        "bin/activate.model": f"#!{environment}/bin/python\n",
        "bin/deactivate-model": f"#!{environment}/bin/python\n",
        "bin/activate_this.py": "# finds its place by itself\n",
        "bin/deactivate.nu": "# the environment's\n",
    }
    for path, text in files.items():
        (environment / path).parent.mkdir(parents=True, exist_ok=True)
        (environment / path).write_text(text)
    return {entry.path: entry for entry in make_plan(load_environment(str(environment))).entries}


def text(entry: Entry) -> str:
    assert isinstance(entry.content, Literal)
    return entry.content.data.decode()


def test_a_kernel_of_jupyter_starts_the_bundle_s_python(entries: dict[str, Entry]) -> None:
    kernel = json.loads(text(entries["share/jupyter/kernels/own/kernel.json"]))
    assert kernel == {"argv": ["python", "-m", "kernel"]}


def test_a_pkg_config_file_of_a_package_follows_its_place(entries: dict[str, Entry]) -> None:
    assert text(entries["lib/pkgconfig/app.pc"]) == "prefix=${pcfiledir}/../..\n"


def test_only_activation_scripts_are_taken_for_activation_scripts(entries: dict[str, Entry]) -> None:
    for name in ("activate_model", "activate.model", "deactivate-model"):
        assert text(entries[f"bin/{name}"]).startswith("#!/bin/sh\n")
    assert isinstance(entries["bin/activate_this.py"].content, Source)
    assert "bin/deactivate.nu" not in entries
    assert entries["bin/activate"].origin == "bundler"
