"""Of an installation that stands by itself the profile leaves out what is Python's own, and nothing of a distribution."""

from __future__ import annotations

from pathlib import Path

from bundler.entries import Layer
from bundler.environment import EnvironmentKind
from bundler.options import ContentOptions, Profile
from bundler.plan.filters import filtered
from bundler.plan.of_python import with_runtime_layer
from tests.material.schemes import POSIX_312
from tests.plan.made_up import SITE, STDLIB, Machine

PYTHONS = {
    f"{STDLIB}/test/test_json.py", f"{STDLIB}/tkinter/__init__.py", "include/python3.12/Python.h", "bin/idle3",
    "lib/libpython3.12.a", "lib/tcl8.6/init.tcl", "lib/pkgconfig/python3.pc", "share/man/man1/python3.12.1",
}  # fmt: skip
OTHERS = {
    f"{SITE}/pkg/test/data.a", f"{STDLIB}/site-packages/pkg/tests/a.py", "bin/pydoctor", "bin/app-config",
    "include/python3.12/pkg.h", "share/man/man1/app.1", "share/lib.a",
}  # fmt: skip


def test_the_slim_profile_of_an_installation_leaves_packages_whole(tmp_path: Path) -> None:
    machine = Machine(tmp_path, kind=EnvironmentKind.INSTALLATION)
    for path in PYTHONS | OTHERS:
        machine.put(f"base/{path}")
    owned = ("bin/pydoctor", "include/python3.12/pkg.h", "bin/app-config")
    machine.install("pkg", *(f"../../../{path},," for path in owned), root="base")
    environment = machine.environment
    entries = with_runtime_layer(machine.entries, environment)
    assert {path for path in PYTHONS | OTHERS if entries[path].layer is Layer.RUNTIME} == PYTHONS
    kept = filtered({**entries}, POSIX_312, ContentOptions(profile=Profile.SLIM))
    assert (PYTHONS | OTHERS) & kept.keys() == OTHERS


def test_of_a_virtual_environment_all_is_said_already(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert with_runtime_layer(machine.entries, machine.environment) == machine.entries
