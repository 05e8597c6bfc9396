"""Two files of an environment may be one inode, and one with an installer's cache: uv's content-addressed cache makes them so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compile_c
from tests.material.environments import SLIM, bundler, empty_environment

TEXT = "value = 'the same in both'\n"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One with two packages that have the same module, script and library; a cache has each of them, too, as the same inode."""
    made = empty_environment(tmp_path / "env")
    site = next(made.glob("lib/python3*/site-packages"))
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "module.py").write_text(TEXT)
    (cache / "tool").write_text(f"#!{made}/bin/python\nimport one, two; print(one.value, two.value)\n")
    (cache / "tool").chmod(0o755)
    vendor = compile_c(
        "int answer(void) { return 42; }", tmp_path / "libvendor.so.1", "-shared", "-Wl,-soname,libvendor.so.1"
    )
    flags = ["-shared", "-Wl,--no-as-needed", str(vendor), f"-Wl,-rpath,{tmp_path}"]
    compile_c("int answer(void); int twice(void) { return 2 * answer(); }", cache / "_lib.so", *flags)
    for package in ("one", "two"):
        (site / package).mkdir()
        os.link(cache / "module.py", site / package / "__init__.py")
        os.link(cache / "_lib.so", site / package / "_lib.so")
    for name in ("tool", "tool3"):
        os.link(cache / "tool", made / "bin" / name)
    return made


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def holds(bundle: Path) -> None:
    """The bundle has both of everything, and they work."""
    code = "import ctypes, os, one, two\n" + "\n".join(
        f"print(ctypes.CDLL(os.path.join(os.path.dirname({package}.__file__), '_lib.so')).twice())"
        for package in ("one", "two")
    )
    assert (
        subprocess.run([bundle / "bin/python", "-c", code], capture_output=True, text=True, check=True).stdout
        == "84\n84\n"
    )
    for name in ("tool", "tool3"):
        done = subprocess.run([bundle / "bin" / name], capture_output=True, text=True, check=True)
        assert done.stdout == "the same in both the same in both\n"


def test_hard_links_and_updates_take_each_name_for_itself(environment: Path, tmp_path: Path) -> None:
    before, bundle = contents(tmp_path / "cache"), tmp_path / "app"
    done = bundler(["pack", *SLIM, environment, "--out", bundle, "--link", "hardlink"])
    assert done.returncode == 0, done.stderr
    (tmp_path / "libvendor.so.1").unlink()
    holds(bundle)
    site = next(bundle.glob("lib/python3*/site-packages"))
    assert (site / "one/__init__.py").samefile(tmp_path / "cache/module.py")
    assert not (site / "one/_lib.so").samefile(tmp_path / "cache/_lib.so")
    assert contents(tmp_path / "cache") == before

    # One of the two is installed anew: the other stays what it was.
    source = next(environment.glob("lib/python3*/site-packages")) / "two/__init__.py"
    source.unlink()
    source.write_text("value = 'another one'\n")
    done = bundler(["pack", *SLIM, environment, "--out", bundle, "--link", "hardlink", "--update", "--no-verify"])
    assert done.returncode == 0, done.stderr
    said = subprocess.run([bundle / "bin/tool"], capture_output=True, text=True, check=True).stdout
    assert said == "the same in both another one\n"
    assert contents(tmp_path / "cache") == before


def test_in_place_the_cache_stays_as_it_was(environment: Path, tmp_path: Path) -> None:
    before = contents(tmp_path / "cache")
    done = bundler(["pack", *SLIM, environment, "--in-place", "--no-verify"])
    assert done.returncode == 0, done.stderr
    (tmp_path / "libvendor.so.1").unlink()
    holds(environment)
    assert contents(tmp_path / "cache") == before
