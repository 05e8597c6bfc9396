"""Environments of Windows are packed on any machine, and run by Windows' own Python under Wine: moved, with nothing of theirs left.

Their drive C: is a folder; the Wine that runs a bundle has another one. What is slow stands in test_windows_installed.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from bundler import pack, verify
from bundler.errors import BundlerError, Problems
from bundler.options import ContentOptions, PackOptions
from bundler.report import PackReport
from bundler.report_lines import as_lines
from tests.binaries.pe.shapes import image_of
from tests.material.launchers import in_windows
from tests.material.windows import Wine
from tests.material.windows_environments import ENVIRONMENT, plain_environment
from tests.material.windows_trees import Layout, installation
from tests.plan.binaries.windows.installations import Installation

ENV = r"C:\work\.venv"
ARM64, I386 = 0xAA64, 0x14C
UNCHECKED = 1
"""The flags of a pyc (PEP 552)."""


def packed(drive: Path, where: Path, environment: str = ENV, **content: object) -> PackReport:
    options = PackOptions(root=f"C:={drive}", content=ContentOptions(**content))  # type: ignore[arg-type]
    return pack(environment, str(where), options)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle below a folder with a space and an é, where it was not made."""
    folder = tmp_path_factory.mktemp("windows")
    packed(plain_environment(), folder / "app")
    (folder / "ein é").mkdir()
    return (folder / "app").rename(folder / "ein é/app")


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle, tmp_path / "app"))


def faults(bundle: Path) -> str:
    return "\n".join(f"{fault.path}: {fault.message}" for fault in verify(str(bundle), run=False).faults)


def test_it_runs_under_wine_after_a_move(bundle: Path, tmp_path: Path) -> None:
    """Python, an extension module, and a launcher by its path and through PATH."""
    said = "import json, sys, markupsafe._speedups as m; print(json.dumps([sys.prefix, sys.base_prefix, m.__file__]))"
    wine = Wine()
    done = wine.run([bundle / "python.exe", "-c", said], tmp_path)
    prefix = in_windows(bundle)
    module = rf"{prefix}\Lib\site-packages\markupsafe\_speedups.cp312-win_amd64.pyd"
    assert json.loads(done.stdout) == [prefix, prefix, module], done.stderr
    by_path = wine.run([bundle / "Scripts/winscripts-console.exe", "a b"], tmp_path)
    through_path = wine.run(
        ["cmd", "/c", "winscripts-console a"], tmp_path, {"WINEPATH": in_windows(bundle / "Scripts")}
    )
    assert [json.loads(each.stdout)[1::2] for each in (by_path, through_path)] == [[["a b"], prefix], [["a"], prefix]]


def test_packages_of_the_base_come_along_where_the_environment_uses_them(tmp_path: Path) -> None:
    """Behind the environment's own, with what `.pth` files among them say."""
    drive = Path(shutil.copytree(plain_environment(), tmp_path / "drive"))
    config = drive / ENVIRONMENT / "pyvenv.cfg"
    text = config.read_text().replace("packages = false", "packages = true")
    config.write_text(text)
    packages = installation(drive, "3.12", Layout.PYTHON_ORG) / "Lib/site-packages"
    for name in ("of_base", "markupsafe", "further/of_line"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text("")
    (packages / "further.pth").write_text("further\n")
    packed(drive, tmp_path / "app", ENV)
    for name in ("drive", "app"):
        (tmp_path / name).rename(tmp_path / f"{name} elsewhere")
    bundle = tmp_path / "app elsewhere"
    code = (
        "import json, of_base, of_line, markupsafe as m; print(json.dumps([x.__file__ for x in (of_base, of_line, m)]))"
    )
    done = Wine().run([bundle / "python.exe", "-c", code], tmp_path)
    library = rf"{in_windows(bundle)}\Lib"
    assert json.loads(done.stdout) == [
        rf"{library}\system-site\1\site-packages\of_base\__init__.py",
        rf"{library}\system-site\1\site-packages\further\of_line\__init__.py",
        rf"{library}\site-packages\markupsafe\__init__.py",
    ], done.stderr


def test_a_list_of_files_means_what_windows_reads_in_it(tmp_path: Path) -> None:
    """Either slash, any case, and drives: the files are found, and the list that the bundle has names no drive."""
    drive = Path(shutil.copytree(plain_environment(), tmp_path / "drive"))
    packages = drive / ENVIRONMENT / "Lib/site-packages"
    (record,) = packages.glob("winscripts-*.dist-info/RECORD")
    (launcher,) = (line for line in record.read_text().splitlines() if "winscripts-console.exe" in line)
    others = [line for line in record.read_text().splitlines() if line != launcher]
    rows = [line.replace("/", "\\", 1) if line.startswith("winscripts/") else line for line in others]
    rows = [line.replace("winscripts\\__main__", "WinScripts/__Main__") for line in rows]
    assert {line.partition(",")[0] for line in rows} >= {"winscripts\\__init__.py", "WinScripts/__Main__.py"}
    record.write_text("\n".join([*rows, r"c:\Work\.venv\Scripts\winscripts-console.exe,sha256=x,1"]) + "\n")
    packed(drive, tmp_path / "app")
    (there,) = tmp_path.glob("app/Lib/site-packages/winscripts-*.dist-info/RECORD")
    *before, last = there.read_text().splitlines()
    assert before == rows
    data = (tmp_path / "app/Scripts/winscripts-console.exe").read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert last == f"../../Scripts/winscripts-console.exe,sha256={digest},{len(data)}"


def test_nothing_is_wrong_with_it(bundle: Path) -> None:
    assert faults(bundle) == ""


def test_the_redirector_gives_way_to_python_itself(bundle: Path) -> None:
    base = installation(plain_environment(), "3.12", Layout.PYTHON_ORG)
    for name in ("python.exe", "pythonw.exe", "python312.dll", "python3.dll", "vcruntime140_1.dll", "DLLs/_ssl.pyd"):
        assert (bundle / name).read_bytes() == (base / name).read_bytes(), name
    assert not list(bundle.rglob("pyvenv.cfg"))
    assert not (bundle / "Scripts/python.exe").exists()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("archive") / "one.zip"
    packed(plain_environment(), where)
    return where


def test_two_packs_have_equal_bytes(archive: Path, tmp_path: Path) -> None:
    packed(plain_environment(), tmp_path / "two.zip")
    assert archive.read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert faults(archive) == ""


def test_compiled_modules_of_an_archive_are_valid_whatever_time_is_unpacked(archive: Path) -> None:
    """A zip tells the time of a file without its zone: pycs that are checked would be valid in one zone alone."""
    with zipfile.ZipFile(archive) as file:
        flags = {file.read(name)[4] for name in file.namelist() if name.endswith(".pyc")}
    assert flags == {UNCHECKED}


def test_modes_that_windows_does_not_have_are_not_missed(archive: Path, tmp_path: Path) -> None:
    """Python's zipfile leaves them away, as programs of Windows do."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    assert faults(tmp_path) == ""


def test_verify_finds_a_launcher_that_starts_another_python(copy: Path) -> None:
    launcher = copy / "Scripts/winscripts-console.exe"
    original = plain_environment() / ENVIRONMENT / "Scripts/winscripts-console.exe"
    shutil.copy(original, launcher)
    assert "Scripts/winscripts-console.exe" in faults(copy)
    assert r"C:\work\.venv" in faults(copy)


def test_verify_finds_a_dll_that_is_gone(copy: Path) -> None:
    (copy / "DLLs/libcrypto-3.dll").unlink()
    found = faults(copy)
    assert "DLLs/libcrypto-3.dll" in found
    assert "libcrypto-3.dll" in "\n".join(line for line in found.splitlines() if "_ssl.pyd" in line or "libssl" in line)


def test_verify_finds_a_changed_file(copy: Path) -> None:
    (copy / "Lib/os.py").write_text("changed\n")
    assert "Lib/os.py" in faults(copy)


def test_verify_finds_an_environment_above(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "venv/app"))
    (tmp_path / "venv/pyvenv.cfg").write_text("home = C:\\Python312\n")
    assert "pyvenv.cfg" in faults(copy)


@pytest.mark.parametrize(("platform", "machine", "name"), [("win_arm64", ARM64, "ARM64"), ("win32", I386, "x86")])
def test_other_machines_are_read_and_laid_out(platform: str, machine: int, name: str, tmp_path: Path) -> None:
    """Python's own files are made up there; a real wheel's are not."""
    there = Installation(tmp_path / "drive", platform=platform)
    there.install("markupsafe==3.0.4")
    report = packed(there.drive, tmp_path / "app", r"C:\Python")
    assert report.faults == 0
    assert report.manifest.machine == name
    (module,) = (tmp_path / "app/Lib/site-packages/markupsafe").glob("*.pyd")
    assert image_of(module.read_bytes()).headers.machine == machine


def test_names_that_windows_does_not_hold_are_told(tmp_path: Path) -> None:
    drive = Path(shutil.copytree(plain_environment(), tmp_path / "drive"))
    for name in ("con.py", "Other.py", "other.py"):
        (drive / ENVIRONMENT / "Lib/site-packages/markupsafe" / name).write_text("")
    with pytest.raises(Problems) as raised:
        packed(drive, tmp_path / "app")
    first, second = (str(error) for error in raised.value.errors)
    assert "con.py: Windows holds no file of the name CON" in first
    assert "Other.py and Lib/site-packages/markupsafe/other.py are one file" in second
    assert not (tmp_path / "app").exists()


def test_paths_are_typed_as_windows_has_them(tmp_path: Path) -> None:
    """In options, and in what is told to those who type them there: cmd takes `Scripts/app.exe` for a program and an option."""
    (tmp_path / "data.txt").write_text("")
    add = (f"{tmp_path}/data.txt=share\\app\\data.txt",)
    report = packed(plain_environment(), tmp_path / "app.zip", add=add, entry=r"Scripts\winscripts-console 'C:\a b'")
    assert r"then Scripts\start.cmd" in "\n".join(as_lines(report, verbose=False))
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        assert "share/app/data.txt" in archive.namelist()
        assert archive.read("Scripts/start.cmd") == b'@"%~dp0winscripts-console.exe" "C:\\a b" %*\r\n'
        readme = archive.read("README.txt").decode()
    assert "    Scripts\\start.cmd\n" in readme
    assert "    Lib\\site-packages\\*.dist-info (packages)\n" in readme
    with pytest.raises(BundlerError, match="bin/none is not in the bundle") as raised:
        packed(plain_environment(), tmp_path / "none.zip", entry="bin/none")
    assert r"(Scripts\app)" in raised.value.hint


def test_the_readme_names_the_licence_that_lies_on_top(tmp_path: Path) -> None:
    """As it does in python.org's installations, where the standard library has none."""
    drive = Path(shutil.copytree(plain_environment(), tmp_path / "drive"))
    base = installation(drive, "3.12", Layout.PYTHON_ORG)
    (base / "Lib/LICENSE.txt").unlink()
    assert (base / "LICENSE.txt").exists()
    packed(drive, tmp_path / "app")
    assert "    LICENSE.txt (Python)\n" in (tmp_path / "app/README.txt").read_text()


def test_the_longest_path_is_told(tmp_path: Path) -> None:
    drive = Path(shutil.copytree(plain_environment(), tmp_path / "drive"))
    folder = drive / ENVIRONMENT / f"Lib/site-packages/markupsafe/{'d' * 90}/{'e' * 90}"
    folder.mkdir(parents=True)
    (folder / "file.py").write_text("")
    (warning,) = packed(drive, tmp_path / "app").warnings
    assert f"{'e' * 90}/file.py has 218 characters" in warning
