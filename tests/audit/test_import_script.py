"""The script that imports a bundle's modules tells what comes from outside, and nothing of itself."""

from __future__ import annotations

import _ctypes
import json
import shutil
import subprocess
import sys
from pathlib import Path

from bundler.audit import run as audit_run

SCRIPT = Path(audit_run.__file__).with_name("import_script.py")


def outside(modules: list[str], root: str, path: str = "") -> set[str]:
    """What the script says is used from outside of `root`; `path` is put on sys.path."""
    order = json.dumps({"modules": modules, "root": root})
    done = subprocess.run(
        [sys.executable, "-B", SCRIPT],
        input=order,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told[-1] == ["end", ""]
    return {line[1] for line in told if line[0] == "outside"}


def test_a_module_from_outside_is_told(tmp_path: Path) -> None:
    (tmp_path / "stray.py").write_text("")
    assert str(tmp_path / "stray.py") in outside(["stray"], "/nowhere", str(tmp_path))
    assert str(tmp_path / "stray.py") not in outside(["stray"], str(tmp_path), str(tmp_path))


def test_the_script_itself_is_not_told_when_multiprocessing_lists_it_once_more() -> None:
    """`multiprocessing` puts the main module under a second name; joblib and scikit-learn import it."""
    found = outside(["multiprocessing"], "/nowhere")
    assert any("multiprocessing" in path for path in found)
    assert str(SCRIPT) not in found


def test_a_name_that_a_module_gave_itself_is_no_file(tmp_path: Path) -> None:
    """torch lists classes of its own as modules, with names like `_ops.py` for their files."""
    code = "import sys, types; sys.modules['made'] = module = types.ModuleType('made'); module.__file__ = '_ops.py'"
    (tmp_path / "maker.py").write_text(code)
    assert "_ops.py" not in outside(["maker"], str(tmp_path), str(tmp_path))


def test_a_library_below_a_folder_with_a_line_end_in_its_name_is_inside(tmp_path: Path) -> None:
    folder = tmp_path / "line\nend"
    folder.mkdir()
    library = str(shutil.copy(_ctypes.__file__, folder / "copied.so"))
    (folder / "loader.py").write_text(f"import ctypes; ctypes.CDLL({library!r})")
    assert not [path for path in outside(["loader"], str(folder), str(folder)) if "copied.so" in path]
    assert library in outside(["loader"], "/nowhere", str(folder))
