"""A bundle's `ctypes.util.find_library` finds what came along, and leaves the rest to the host."""

from __future__ import annotations

import ctypes.util
import subprocess
from pathlib import Path

import pytest

from bundler.rewrite.find_library import rewrite_ctypes_util
from tests.material.interpreters import Python, every_python

PATH = "lib/python3/ctypes/util.py"
CODE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("util", sys.argv[1])
util = importlib.util.module_from_spec(spec)
spec.loader.exec_module(util)
print([util.find_library(name) for name in ("here", "both", "her", "c")])
"""


@pytest.mark.parametrize("python", every_python(), ids=str)
def test_what_came_along_is_found_first(tmp_path: Path, python: Python) -> None:
    source = Path(
        subprocess.check_output(
            [python.executable, "-c", "import ctypes.util as u; print(u.__file__)"], text=True
        ).strip()
    )
    new = rewrite_ctypes_util(source.read_bytes(), PATH, "lib/bundled")
    assert new is not None
    assert rewrite_ctypes_util(new.data, PATH, "lib/bundled") is None
    module = tmp_path / PATH
    module.parent.mkdir(parents=True)
    module.write_bytes(new.data)
    for name in ("libhere.so.3", "libboth.so", "libboth.so.1"):
        (tmp_path / "lib/bundled" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "lib/bundled" / name).touch()
    command = [python.executable, "-B", "-c", CODE, str(module)]
    found = subprocess.check_output(command, text=True)
    assert found == f"{['libhere.so.3', 'libboth.so', None, ctypes.util.find_library('c')]}\n"
    for file in (tmp_path / "lib/bundled").iterdir():
        file.unlink()
    (tmp_path / "lib/bundled").rmdir()
    found = subprocess.check_output(command, text=True)
    assert found == f"{[None, None, None, ctypes.util.find_library('c')]}\n"


def test_another_module_stays_as_it_is() -> None:
    assert rewrite_ctypes_util(b"def find(name):\n    pass\n", PATH, "lib/bundled") is None
