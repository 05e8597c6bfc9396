"""The script that imports a bundle's modules tells what the process has, and nothing of itself."""

from __future__ import annotations

import _ctypes
import json
import marshal
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bundler.audit import observing
from bundler.platforms import OperatingSystem
from bundler.systems import system_of

SCRIPT = Path(observing.__file__).with_name("observer_script.py")
OBSERVER = system_of(OperatingSystem.LINUX).observer


def tell(
    modules: list[str],
    path: str = "",
    observer: str = OBSERVER,
    missing: Sequence[str] = (),
    compiled: str = "/dev/null/compiled",
) -> list[list[Any]]:
    """Everything that the script says; `path` is put on sys.path, and `missing` is not found."""
    order = json.dumps(
        {"modules": modules, "missing": missing, "observer": observer, "metadata": True, "compiled": compiled}
    )
    done = subprocess.run(
        [sys.executable, "-B", SCRIPT],
        input=order,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    told: list[list[Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1] == ["end", ""]
    return told


def saw(modules: list[str], path: str = "", observer: str = OBSERVER) -> dict[str, Any]:
    (found,) = (line[1] for line in tell(modules, path, observer) if line[0] == "saw")
    assert isinstance(found, dict)
    return found


def test_each_import_is_told_before_and_after(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("print('noise')")
    (tmp_path / "bad.py").write_text("raise SystemExit('no')")
    told = [line for line in tell(["good", "bad"], str(tmp_path)) if line[0] in ("start", "ok", "fail")]
    assert told == [["start", "good"], ["ok", "good"], ["start", "bad"], ["fail", "bad", "SystemExit: no"]]


def test_the_file_of_a_module_is_told(tmp_path: Path) -> None:
    (tmp_path / "stray.py").write_text("")
    assert saw(["stray"], str(tmp_path))["modules"]["stray"] == str(tmp_path / "stray.py")


def test_the_script_itself_is_not_told_when_multiprocessing_lists_it_once_more() -> None:
    """`multiprocessing` puts the main module under a second name; joblib and scikit-learn import it."""
    files = saw(["multiprocessing"])["modules"].values()
    assert any("multiprocessing" in path for path in files)
    assert str(SCRIPT) not in files


def test_a_name_that_a_module_gave_itself_is_no_file(tmp_path: Path) -> None:
    """torch lists classes of its own as modules, with names like `_ops.py` for their files."""
    code = "import sys, types; sys.modules['made'] = module = types.ModuleType('made'); module.__file__ = '_ops.py'"
    (tmp_path / "maker.py").write_text(code)
    assert "made" not in saw(["maker"], str(tmp_path))["modules"]


def test_a_library_below_a_folder_with_a_line_end_in_its_name_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "line\nend"
    folder.mkdir()
    library = str(shutil.copy(_ctypes.__file__, folder / "copied.so"))
    (folder / "loader.py").write_text(f"import ctypes; ctypes.CDLL({library!r})")
    assert library in saw(["loader"], str(folder))["libraries"]


def test_a_name_that_ctypes_is_asked_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "opener.py").write_text("import ctypes; ctypes.CDLL('libc.so.6')")
    assert ["opened", "libc.so.6"] in tell(["opener"], str(tmp_path))


def test_what_shall_not_be_there_is_found_by_nobody_and_told(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(
        "import importlib.util, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'made': return importlib.util.spec_from_loader(name, None)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    (tmp_path / "early.pth").write_text("import asks\n")
    (tmp_path / "needs.py").write_text(
        "import importlib.util\nassert importlib.util.find_spec('colorsys') is None\nimport colorsys\n"
    )
    site = f"import site; site.addsitedir({str(tmp_path)!r})"
    (tmp_path / "sitecustomize.py").write_text(site)
    for names in ([], ["colorsys", "made"]):
        told = tell(["needs", "made", "json"], str(tmp_path), missing=names)
        failed = {name: error for kind, name, *error in told if kind == "fail"}
        assert ["ok", "json"] in told
        assert {name for kind, name, *_ in told if kind == "missed"} == {*names}
        if names:
            assert failed == {
                name: [f"ModuleNotFoundError: No module named {of!r}"]
                for name, of in (("needs", "colorsys"), ("made", "made"))
            }
        else:
            assert failed["needs"] == ["AssertionError: "]


def test_without_proc_the_imports_are_told_all_the_same() -> None:
    """A system that does not tell what is mapped is no reason to believe that nothing is, or that all is well."""
    nowhere = OBSERVER.replace("/proc/self/maps", "/nowhere/maps")
    assert nowhere != OBSERVER
    assert ["ok", "json"] in tell(["json"], observer=nowhere)
    assert saw(["json"], observer=nowhere)["libraries"] is None


def test_a_finder_with_folders_of_its_own_is_told_with_them(tmp_path: Path) -> None:
    outside = tmp_path / "project"
    (tmp_path / "hook.py").write_text(
        f"""
import sys
class Finder:
    def __init__(self): self.known = {{"there": [{str(outside)!r}]}}
    def find_spec(self, name, path=None, target=None): return None
sys.meta_path.append(Finder())
"""
    )
    finders = saw(["hook"], str(tmp_path))["finders"]
    assert [[kind, paths] for kind, paths in finders if kind == "hook.Finder"] == [["hook.Finder", [str(outside)]]]
    assert not [kind for kind, _ in saw(["json"])["finders"] if kind.endswith(("PathFinder", "zipimporter"))]


def test_distributions_and_entry_points_are_told_as_importlib_sees_them(tmp_path: Path) -> None:
    metadata = tmp_path / "made-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 1.5\n")
    (metadata / "entry_points.txt").write_text("[console_scripts]\nmade = made.cli:main\n")
    found = saw([], str(tmp_path))
    assert ["made", "1.5"] in found["distributions"]
    assert ["console_scripts", "made", "made.cli:main"] in found["entry_points"]


@pytest.mark.parametrize("name", ["start", "here"])
def test_the_search_path_is_told_without_the_scripts_own_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    found = saw([], str(folder))["path"]
    assert found[0] == str(folder)
    assert os.path.dirname(SCRIPT) not in found


def test_what_is_not_compiled_is_compiled_once_and_nothing_beside_it(tmp_path: Path) -> None:
    site, compiled = tmp_path / "site", tmp_path / "compiled"
    site.mkdir()
    (site / "slow.py").write_text("VALUE = 1\n")
    told = tell(["slow"], str(site), compiled=str(compiled))
    (pyc,) = compiled.rglob("slow.*.pyc")
    assert ["ok", "slow"] in told and not (site / "__pycache__").exists()
    pyc.write_bytes(pyc.read_bytes()[:16] + marshal.dumps(compile("raise ValueError('compiled')", "slow.py", "exec")))
    assert ["fail", "slow", "ValueError: compiled"] in tell(["slow"], str(site), compiled=str(compiled))


def test_a_pyc_that_is_there_counts_and_is_not_written_over(tmp_path: Path) -> None:
    """An old one as well: what lies in the source is the source's."""
    (tmp_path / "old.py").write_text("VALUE = 1\n")
    pyc = Path(py_compile.compile(str(tmp_path / "old.py"), doraise=True) or "")
    os.utime(tmp_path / "old.py", ns=(0, 0))
    before = pyc.read_bytes()
    assert ["ok", "old"] in tell(["old"], str(tmp_path), compiled=str(tmp_path / "compiled"))
    assert pyc.read_bytes() == before


def test_what_is_watched_goes_on_without_a_working_directory(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text(
        "import os, tempfile\n"
        "folder = tempfile.mkdtemp()\n"
        "os.chdir(folder)\n"
        "os.rmdir(folder)\n"
        "try:\n"
        "    open('relative')\n"
        "except OSError as error:\n"
        "    assert error.filename == 'relative', error\n"
        "os.listdir(os.open('/', os.O_RDONLY))\n"
    )
    assert ["ok", "lost"] in tell(["lost"], str(tmp_path))
