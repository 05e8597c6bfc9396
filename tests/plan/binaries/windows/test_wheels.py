"""Real wheels: what they need is found where Windows finds it, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.entries import Patched
from bundler.systems.libraries import InBundle, Missing, Preloaded
from bundler.systems.windows.rules import WINDOWS
from tests.plan.binaries.windows.installations import Installation

ASKS_FOR_MORE = ("numpy==2.5.5", "win32")
"""A wheel that was not repaired: it needs msvcp140.dll of the machine."""
WHEELS = [
    ("markupsafe==3.0.4", "win_amd64", "3.13"),
    *(("pillow==13.0.0", platform, "3.13") for platform in ("win_amd64", "win32", "win_arm64")),
    *(("pyzmq==27.3.0", platform, "3.13") for platform in ("win_amd64", "win32", "win_arm64")),
    *(("numpy==2.5.5", platform, "3.13") for platform in ("win_amd64", "win32", "win_arm64")),
    ("numpy==1.26.4", "win_amd64", "3.12"),
    ("scipy==1.18.1", "win_amd64", "3.13"),
    ("lxml==6.1.3", "win_amd64", "3.13"),
    ("cryptography==50.0.2", "win_amd64", "3.13"),
    ("psycopg2-binary==2.9.13", "win_amd64", "3.13"),
    ("pydantic-core==2.50.5", "win_amd64", "3.13"),
]


@pytest.mark.everything
@pytest.mark.parametrize(("requirement", "platform", "version"), WHEELS)
def test_a_wheel_s_dlls_are_found(requirement: str, platform: str, version: str, tmp_path: Path) -> None:
    there = Installation(tmp_path, platform, version)
    there.install(requirement)
    plan = there.plan()
    found = [location for needs in plan.libraries.needs.values() for location in needs.values()]
    assert not [location for location in found if isinstance(location, Missing | Preloaded)]
    assert any(path.endswith(".pyd") for path in plan.libraries.needs)
    assert plan.libraries.bundled == ()
    assert not [entry for entry in plan.entries if isinstance(entry.content, Patched)]
    asked = [name for _, name in plan.libraries.left_to_host if WINDOWS.asks_of_target(name) is not None]
    assert {*asked} == ({"msvcp140.dll"} if (requirement, platform) == ASKS_FOR_MORE else set())
    assert len(plan.warnings) == (1 if asked else 0)


@pytest.mark.everything
@pytest.mark.parametrize("requirement", ["scipy==1.18.1", "psycopg2-binary==2.9.13", "numpy==2.5.5", "shapely==2.2.0"])
def test_delvewheel_s_folders_hold_what_is_found_nowhere_else(requirement: str, tmp_path: Path) -> None:
    there = Installation(tmp_path)
    there.install(requirement)
    needs = there.plan().libraries.needs
    used = {location.path for found in needs.values() for location in found.values() if isinstance(location, InBundle)}
    folders = {path.rpartition("/")[0] for path in used if ".libs/" in path}
    held = {path for path in needs if path.rpartition("/")[0] in folders}
    assert len(folders) == 1
    assert held <= used


@pytest.mark.everything
def test_pywin32_finds_its_dlls_by_what_it_loads_beforehand(tmp_path: Path) -> None:
    """`pywin32.pth` adds the folder; the interface of MFC comes from the machine."""
    there = Installation(tmp_path)
    there.install("pywin32==312")
    plan = there.plan()
    preloaded = {
        (name, location.path.rpartition("/")[2])
        for needs in plan.libraries.needs.values()
        for name, location in needs.items()
        if isinstance(location, Preloaded)
    }
    assert ("pywintypes313.dll", "pywintypes313.dll") in preloaded
    assert {"mfc140u.dll", "msvcp140.dll"} <= {*plan.libraries.host}
    assert len(plan.warnings) == 1
