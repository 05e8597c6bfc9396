"""What a bundle for Windows holds: python.org's layout, without what ties an environment to its base."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundler.entries import Layer, Link, Literal
from bundler.environment import load_environment
from bundler.errors import BundlerError
from bundler.options import ContentOptions, LibcMode, Profile
from bundler.plan.make import Plan, make_plan
from bundler.plan.settings import PlanSettings
from tests.material.windows import embeddable

EXTENSIONS = ("_ssl.pyd", "select.pyd")


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drive with an installation in python.org's layout, and an environment of virtualenv's."""
    root = tmp_path_factory.mktemp("c")
    base, venv = root / "Python313", root / "venv"
    for folder in ("DLLs", "Lib/site-packages/pip", "include", "libs", "Scripts", "Doc", "tcl/tcl8.6"):
        (base / folder).mkdir(parents=True)
    for name in ("python.exe", "pythonw.exe", "python3.dll", "python313.dll", "vcruntime140.dll", "LICENSE.txt"):
        shutil.copy(embeddable() / name, base)
    for name in (*EXTENSIONS, "libssl-3.dll", "libcrypto-3.dll"):
        shutil.copy(embeddable() / name, base / "DLLs")
    texts = (
        "Lib/os.py",
        "Lib/EXTERNALLY-MANAGED",
        "include/Python.h",
        "libs/python313.lib",
        "Doc/python.chm",
        "NEWS.txt",
    )
    for name in (*texts, "Scripts/pip.exe", "Lib/site-packages/pip/__init__.py", "tcl/tcl8.6/init.tcl"):
        (base / name).write_text("")
    for folder in ("Scripts", "Include", "lib/site-packages/app"):
        (venv / folder).mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = C:\\Python313\nversion = 3.13.2\n")
    (venv / "lib/site-packages/app/__init__.py").write_text("")
    for name in ("python.exe", "pythonw.exe", "python313.dll", "vcruntime140.dll"):
        shutil.copy(base / name, venv / "Scripts")
    for name in ("python3.13.exe", "activate.bat", "Activate.ps1", "deactivate.bat", "own.dll"):
        (venv / "Scripts" / name).write_text("own")
    return root


def plan(drive: Path, name: str = "venv", content: ContentOptions | None = None) -> Plan:
    environment = load_environment(str(drive / name), root=f"C:={drive}")
    return make_plan(environment, PlanSettings(content=content or ContentOptions()))


def files(made: Plan) -> set[str]:
    return {entry.path for entry in made.entries}


def test_the_parts_of_the_base_come_to_their_places(drive: Path) -> None:
    found = files(plan(drive))
    assert {"python.exe", "pythonw.exe", "python3.dll", "python313.dll", "vcruntime140.dll", "LICENSE.txt"} <= found
    assert {"DLLs/_ssl.pyd", "DLLs/libssl-3.dll", "Lib/os.py", "include/Python.h", "libs/python313.lib"} <= found
    assert "tcl/tcl8.6/init.tcl" in found
    assert not found & {"Doc", "NEWS.txt", "Lib/EXTERNALLY-MANAGED", "Lib/site-packages/pip", "Scripts/pip.exe"}


def test_packages_come_to_the_folder_as_a_bundle_spells_it(drive: Path) -> None:
    found = files(plan(drive))
    assert "Lib/site-packages/app/__init__.py" in found
    assert not [path for path in found if path.startswith(("lib/", "Include"))]


def test_what_ties_the_environment_to_its_base_stays_behind(drive: Path) -> None:
    made = plan(drive)
    assert not files(made) & {"pyvenv.cfg", "Scripts/python.exe", "Scripts/python3.13.exe", "Scripts/python313.dll"}
    assert "Scripts/own.dll" in files(made)
    assert not [entry for entry in made.entries if isinstance(entry.content, Link)]


def test_an_installation_by_itself_keeps_its_packages(drive: Path) -> None:
    made = plan(drive, "Python313")
    layers = {entry.path: entry.layer for entry in made.entries}
    assert layers["Lib/os.py"] is layers["python.exe"] is layers["DLLs/select.pyd"] is Layer.RUNTIME
    assert layers["Lib/site-packages/pip/__init__.py"] is Layer.PACKAGES


def test_isolated_is_a_file_beside_the_dll(drive: Path) -> None:
    made = plan(drive, content=ContentOptions(isolated=True))
    (content,) = [entry.content for entry in made.entries if entry.path == "python313._pth"]
    assert isinstance(content, Literal)
    assert content.data.decode().splitlines()[1:3] == ["DLLs", "Lib"]
    assert "import site" in content.data.decode().splitlines()
    assert "python313._pth" not in files(plan(drive))


def test_a_profile_leaves_out_what_it_does_elsewhere(drive: Path) -> None:
    runtime = files(plan(drive, content=ContentOptions(profile=Profile.RUNTIME)))
    assert not [path for path in runtime if path.startswith(("include", "libs"))]
    assert {"tcl/tcl8.6/init.tcl", "DLLs/select.pyd", "python.exe"} <= runtime
    slim = files(plan(drive, content=ContentOptions(profile=Profile.SLIM)))
    assert not [path for path in slim if path.startswith("tcl")]
    assert "DLLs/select.pyd" in slim


def test_python_s_library_cannot_be_left_out(drive: Path) -> None:
    with pytest.raises(BundlerError, match=r"Lib/os\.py"):
        plan(drive, content=ContentOptions(patterns=("os.py",)))
    with pytest.raises(BundlerError, match=r"python313\.zip"):
        environment = load_environment(str(embeddable()))
        make_plan(environment, PlanSettings(content=ContentOptions(patterns=("*.zip",))))


def test_an_option_of_another_system_is_told(drive: Path) -> None:
    made = plan(drive, content=ContentOptions(libc=LibcMode.BUNDLE, thin="arm64"))
    assert "--libc bundle does nothing here: the libc of Windows goes with the system" in made.warnings
    assert [warning for warning in made.warnings if warning.startswith("--thin arm64 does nothing here")]
