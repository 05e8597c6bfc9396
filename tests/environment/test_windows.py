"""Environments for Windows are found and read from files, on any machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bundler.environment import EnvironmentKind, load_environment
from bundler.errors import BaseInterpreterMissing, BundlerError, ContradictoryEnvironment, NotAnEnvironment
from bundler.systems.windows.layout import PythonDll, executable_names, extension_suffixes
from tests.material.windows import embeddable

CONFIG = "home = {home}\r\ninclude-system-site-packages = false\r\nversion = {version}\r\n"


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drive with `Python313`: the embeddable's files, with a standard library in `lib` (in another case than a bundle's)."""
    root = tmp_path_factory.mktemp("c")
    shutil.copytree(embeddable(), root / "Python313")
    (root / "Python313/lib").mkdir()
    (root / "Python313/lib/os.py").write_text("")
    return root


def environment(drive: Path, name: str, home: str = "C:\\Python313", version: str = "3.13.2", more: str = "") -> Path:
    """A virtual environment as `venv` makes one."""
    folder = drive / name
    (folder / "Scripts").mkdir(parents=True)
    (folder / "Lib/site-packages/app-1.dist-info").mkdir(parents=True)
    (folder / "Lib/site-packages/app-1.dist-info/METADATA").write_text("Name: app\nVersion: 1\n")
    shutil.copy(drive / "Python313/python.exe", folder / "Scripts/python.exe")
    (folder / "pyvenv.cfg").write_text(CONFIG.format(home=home, version=version) + more)
    return folder


def test_an_installation_is_read_by_itself(drive: Path) -> None:
    found = load_environment(str(drive / "Python313"))
    assert found.kind is EnvironmentKind.INSTALLATION
    assert found.probed is False
    assert found.interpreter.short_version == "3.13"
    assert found.interpreter.version_info.level == "final"
    assert found.platform.text == "Windows on AMD64"
    assert found.scheme.executable == "python.exe"
    assert found.interpreter.stdlib == str(drive / "Python313/lib")
    assert found.interpreter.extension_suffixes == (".cp313-win_amd64.pyd", ".pyd")


def test_the_embeddable_build_has_its_library_in_a_zip() -> None:
    found = load_environment(str(embeddable()))
    assert found.scheme.stdlib_zip == "python313.zip"
    assert found.kind is EnvironmentKind.INSTALLATION


def test_home_is_found_on_the_drive_that_an_option_names(drive: Path) -> None:
    folder = environment(drive, "venv")
    for named in (str(folder), "C:\\VENV"):
        found = load_environment(named, root=f"C:={drive}")
        assert found.kind is EnvironmentKind.VENV
        assert found.root == str(folder)
        assert found.interpreter.base_prefix == str(drive / "Python313")
        assert [item.name for item in found.distributions] == ["app"]


@pytest.mark.parametrize("place", ["", "C:", "c", "drive_c", "mnt/c"])
def test_a_root_without_a_drive_s_letter_has_the_drives_below_it(drive: Path, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "root" / place
    folder.mkdir(parents=True)
    shutil.copytree(drive / "Python313", folder / "Python313")
    for name in ("C:\\Python313", "c:/python313/"):
        found = load_environment(name, root=str(tmp_path / "root"))
        assert found.root == str(folder / "Python313")


def test_a_drive_that_is_not_here_is_told_with_the_option_that_says_where() -> None:
    with pytest.raises(NotAnEnvironment, match=r"C:\\nowhere does not exist") as caught:
        load_environment("C:\\nowhere")
    assert "--root C:=DIR" in caught.value.hint


def test_home_in_another_case_is_the_same(drive: Path) -> None:
    folder = environment(drive, "case", home="c:\\PYTHON313")
    found = load_environment(str(folder), root=str(drive))
    assert found.interpreter.base_prefix == str(drive / "Python313")


def test_a_base_that_is_not_here_is_told_with_the_option_that_says_where(drive: Path) -> None:
    folder = environment(drive, "lost")
    with pytest.raises(BaseInterpreterMissing) as caught:
        load_environment(str(folder))
    assert "home = C:\\Python313" in caught.value.message
    assert "--root C:=DIR" in caught.value.hint


def test_a_base_on_another_drive_is_told_with_the_root_that_holds_both(drive: Path) -> None:
    folder = environment(drive, "far", home="D:\\Python313")
    with pytest.raises(BaseInterpreterMissing) as caught:
        load_environment(str(folder), root=f"C:={drive}")
    assert "DIR/C: and DIR/D:" in caught.value.hint


def test_an_environment_without_home_or_python_is_told_in_the_words_of_windows(drive: Path) -> None:
    folder = environment(drive, "broken")
    (folder / "pyvenv.cfg").write_text("version = 3.13.2\n")
    with pytest.raises(BaseInterpreterMissing) as caught:
        load_environment(str(folder), root=f"C:={drive}")
    assert "no line `home" in caught.value.hint
    (folder / "Scripts/python.exe").unlink()
    with pytest.raises(NotAnEnvironment, match=r"no Scripts\\python\.exe in it") as told:
        load_environment(str(folder), root=f"C:={drive}")
    assert "bin" not in told.value.hint


def test_another_release_than_the_environment_speaks_of_is_refused(drive: Path) -> None:
    folder = environment(drive, "other", version="3.12.1")
    with pytest.raises(ContradictoryEnvironment) as caught:
        load_environment(str(folder), root=f"C:={drive}")
    assert "3.12.1" in caught.value.message and "python313.dll" in caught.value.message


def test_a_folder_without_the_dll_is_no_installation(tmp_path: Path) -> None:
    shutil.copy(embeddable() / "python.exe", tmp_path)
    with pytest.raises(BundlerError, match=r"pythonXY\.dll"):
        load_environment(str(tmp_path))


def test_a_free_threaded_build_is_told_from_the_usual_one_beside_it(drive: Path) -> None:
    (drive / "Both").mkdir()
    for name in ("python.exe", "python313.dll"):
        shutil.copy(drive / "Python313" / name, drive / "Both" / name)
    shutil.copy(drive / "Python313/python313.dll", drive / "Both/python313t.dll")
    shutil.copy(drive / "Python313/python.exe", drive / "Both/python3.13t.exe")
    shutil.copytree(drive / "Python313/lib", drive / "Both/Lib")
    usual = environment(drive, "usual", home="C:\\Both", more="executable = C:\\Both\\python.exe\r\n")
    free = environment(drive, "free", home="C:\\Both", more="executable = C:\\Both\\python3.13t.exe\r\n")
    found = load_environment(str(usual), root=f"C:={drive}")
    assert (found.interpreter.abi_thread, found.scheme.libpython) == ("", ("python313.dll",))
    found = load_environment(str(free), root=f"C:={drive}")
    assert (found.interpreter.abi_thread, found.scheme.libpython) == ("t", ("python313t.dll",))
    assert found.interpreter.executable == str(drive / "Both/python3.13t.exe")
    assert found.scheme.stdlib_zip == "python313.zip"


def test_suffixes_and_names_are_those_of_the_build() -> None:
    free = PythonDll("python314t.dll", 14, True)
    assert extension_suffixes(free, "ARM64") == (".cp314t-win_arm64.pyd", ".pyd")
    assert extension_suffixes(PythonDll("python38.dll", 8, False), "x86") == (".cp38-win32.pyd", ".pyd")
    assert executable_names(free) == ("python3.14t.exe", "python.exe")
