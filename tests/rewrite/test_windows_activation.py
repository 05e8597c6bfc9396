"""Activation of a bundle of Windows: cmd by Wine's, other shells by their own programs of this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bundler.platforms import OperatingSystem
from bundler.rewrite.activation import activation_scripts
from bundler.systems import system_of
from tests.material.launchers import home, in_windows
from tests.material.shells import shell_command
from tests.material.windows import Wine
from tests.rewrite.test_activation import CHECKS, ENVIRONMENT, run

ACTIVATION = system_of(OperatingSystem.WINDOWS).activation
TELL = """
import json, os, sys
names = ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PATH", "PROMPT", "PYTHONHOME")
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump([sys.executable, {name: os.environ.get(name) for name in names}], file)
"""
CHECK = """@set "PYTHONHOME=C:\\none"
@set "PROMPT=old$G"
@set > "{scratch}\\before.txt"
@call Scripts\\activate.bat
@if errorlevel 1 exit /b 3
@python "{scratch}\\tell.py" "{scratch}\\first.json"
@call activate
@python "{scratch}\\tell.py" "{scratch}\\again.json"
@call deactivate
@set > "{scratch}\\after.txt"
@call activate >nul 2>nul
@if not errorlevel 1 exit /b 4
@exit /b 5
"""


def write_activation(bundle: Path) -> None:
    for script in activation_scripts(ACTIVATION):
        (bundle / "Scripts" / script.name).write_bytes(script.data)


@pytest.mark.everything
@pytest.mark.parametrize("name", ["bundle", "a b é ü", "x (y) & z", "a $P ^!'"])
def test_cmd_finds_the_bundle_and_takes_everything_back(name: str, tmp_path: Path) -> None:
    wine = Wine()
    bundle = home(tmp_path / name)
    write_activation(bundle)
    (tmp_path / "tell.py").write_text(TELL)
    text = CHECK.format(scratch=in_windows(tmp_path))
    (bundle / "check.bat").write_bytes(text.replace("\n", "\r\n").encode())
    done = wine.run(["cmd", "/c", "check.bat"], bundle)
    assert done.returncode == 5, done
    for file in ("first.json", "again.json"):
        python, variables = json.loads((tmp_path / file).read_text(encoding="utf-8"))
        assert python.lower() == in_windows(bundle / "python.exe").lower()
        place = in_windows(bundle)
        assert variables["VIRTUAL_ENV"] == place
        assert variables["VIRTUAL_ENV_PROMPT"] == name
        assert variables["PATH"].startswith(f"{place};{place}\\Scripts;")
        assert variables["PATH"].count(place) == 2
        assert variables["PROMPT"] == f"({name.replace('$', '$$')}) old$G"
        assert variables["PYTHONHOME"] is None
    before, after = ((tmp_path / file).read_bytes() for file in ("before.txt", "after.txt"))
    assert before == after
    assert b"_OLD_VIRTUAL" not in after


@pytest.mark.parametrize("shell", ["bash", "zsh", "dash", "fish", "nu", "xonsh"])
def test_other_shells_find_the_bundle_and_take_everything_back(shell: str, tmp_path: Path) -> None:
    """As on Linux: what differs are the folders, and that there is no pyvenv.cfg."""
    shell_command(shell)
    root = tmp_path / "sp ace é"
    (root / "Scripts").mkdir(parents=True)
    write_activation(root)
    for name in ("python.exe", "python", "Scripts/tool"):
        (root / name).write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (root / name).chmod(0o755)
    suffix = {"fish": ".fish", "nu": ".nu", "xonsh": ".xsh"}.get(shell, "")
    file = root / f"Scripts/activate{suffix}"
    check = CHECKS[shell].replace("@FILE@", f'"{file}"').replace("python -c", "tool -c")
    done = run(shell, check, tmp_path, FILE=str(file))
    shown = done.stdout.splitlines()
    assert shown[:5] == [str(root), "ran", "unset", root.name, "unset"], done.stderr
    assert shown[6:] == ["unset /usr /usr/bin:/bin", "> ", "same", "0"], done.stderr
    assert done.stderr == ""


def test_the_bundle_s_root_comes_first_and_its_scripts_next(tmp_path: Path) -> None:
    root = tmp_path / "bundle"
    (root / "Scripts").mkdir(parents=True)
    write_activation(root)
    (root / "python.exe").write_text("")
    (root / "python.exe").chmod(0o755)
    done = run("bash", f'. "{root}/Scripts/activate"; echo "$PATH"', tmp_path)
    assert done.stdout == f"{root}:{root}/Scripts:{ENVIRONMENT['PATH']}\n", done.stderr


def test_the_scripts_of_windows_name_no_place_and_hold_ascii_only() -> None:
    scripts = {script.name: script.data for script in activation_scripts(ACTIVATION)}
    assert scripts.keys() == {*ACTIVATION.names}
    for name, data in scripts.items():
        assert data.isascii()
        assert b"UV_PYTHON" not in data
        assert not [word for word in (b"@SCRIPTS@", b"@PYTHON@", b"@FOLDERS@", b"@NAME@", b"bin/") if word in data], (
            name
        )
        assert (b"\r\n" in data) == name.endswith(".bat")
        assert b"\n" not in data.replace(b"\r\n", b"") or not name.endswith(".bat")


def test_powershell_s_is_well_formed_and_puts_both_folders_in_front() -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="needs tree-sitter-powershell: pip install --group dev")
    grammar = pytest.importorskip("tree_sitter_powershell", reason="pip install --group dev")
    (data,) = (script.data for script in activation_scripts(ACTIVATION) if script.name == "Activate.ps1")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(data).root_node.has_error
    assert b"$env:PATH = ($env:VIRTUAL_ENV, (Join-Path $env:VIRTUAL_ENV 'Scripts'), $env:PATH) -join" in data
