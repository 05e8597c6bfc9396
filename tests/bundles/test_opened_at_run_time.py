"""Libraries that no header names and that a module opens (`dlopen`): found by the audit, and taken along."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.material.environments import SLIM, bundler, empty_environment
from tests.material.interpreters import main_python
from tests.material.isolation import bare_root, hidden, in_root

LIBRARY = "libacl.so.1"  # coreutils needs it; Python does not
OPENER = f"""
import ctypes

try:
    opened = ctypes.CDLL({LIBRARY!r})
except OSError:
    opened = None
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a package that does without the library where it is not there."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"this machine has no {LIBRARY}")
    python = main_python()
    made = empty_environment(tmp_path_factory.mktemp("opened") / "env")
    package = next(made.glob("lib/python3*/site-packages")) / "opener"
    package.mkdir()
    (package / "__init__.py").write_text(OPENER)
    (extension,) = Path(python.prefix).glob("lib/python3*/lib-dynload/_json.*.so")
    shutil.copy(extension, package)  # importing it is what the audit does
    return made


@pytest.fixture
def finding(tmp_path: Path) -> Path:
    """An environment whose only package is plain Python that finds its library by `find_library`."""
    made = empty_environment(tmp_path / "finding")
    name = LIBRARY.removeprefix("lib").partition(".")[0]
    (next(made.glob("lib/python3*/site-packages")) / "finder.py").write_text(
        f"import ctypes, ctypes.util\n\nopened = ctypes.CDLL(ctypes.util.find_library({name!r}))\n"
    )
    return made


def mapped() -> str:
    """Where this process has the library from."""
    ctypes.CDLL(LIBRARY)
    lines = Path("/proc/self/maps").read_text().splitlines()
    return next(line.split()[-1] for line in lines if os.path.basename(line.split()[-1]).startswith(LIBRARY))


@pytest.mark.parametrize("kind", ["app", pytest.param("app.tar", marks=pytest.mark.everything)])
def test_it_comes_along_and_is_used_where_the_original_is_not(environment: Path, tmp_path: Path, kind: str) -> None:
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / kind, "-v"])
    assert done.returncode == 0, done.stderr
    assert f"{os.path.dirname(mapped())}/{LIBRARY} came along" in done.stderr
    assert f"--exclude-lib {LIBRARY}" in done.stderr
    assert os.listdir(tmp_path) == [kind]
    bundle = tmp_path / "app"
    if kind != "app":
        shutil.unpack_archive(tmp_path / kind, bundle)
    assert bundler(["verify", bundle]).returncode == 0
    seen = hidden([mapped(), environment], [bundle / "bin/python", "-c", "import opener; print(opener.opened)"])
    assert seen.stdout.startswith(f"<CDLL '{LIBRARY}'"), seen.stderr


def test_left_to_the_host_it_is_no_fault(environment: Path, tmp_path: Path) -> None:
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--exclude-lib", LIBRARY, "--json"])
    assert done.returncode == 0, done.stderr
    assert not list((tmp_path / "app/lib").rglob("libacl*"))
    assert LIBRARY in json.loads(done.stdout)["host_libraries"]
    assert bundler(["verify", tmp_path / "app"]).returncode == 0


def test_in_place_and_updates_take_it_along_too(environment: Path, tmp_path: Path) -> None:
    own = tmp_path / "env"
    shutil.copytree(environment, own, symlinks=True)
    for options in (["--out", tmp_path / "app"], ["--out", tmp_path / "app", "--update"], ["--in-place"]):
        done = bundler(["pack", *SLIM, own, *options, "-v"])
        assert done.returncode == 0, done.stderr
        assert "came along" in done.stderr
    assert bundler(["verify", own]).returncode == 0


def test_the_next_pack_guesses_right_and_puts_a_wrong_guess_right(environment: Path, tmp_path: Path) -> None:
    own = tmp_path / "env"
    shutil.copytree(environment, own, symlinks=True)
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    (module,) = own.glob("lib/python3*/site-packages/opener/__init__.py")
    out = tmp_path / "app"
    for text, plans, comes in ((OPENER, 2, True), (OPENER, 1, True), ("", 2, False), ("", 1, False)):
        module.write_text(text)
        done = bundler(["pack", *SLIM, own, "--out", out, "--update", "-v"], cache)
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines().count("planning") == plans
        assert (out / "lib/bundled" / LIBRARY).exists() == comes
        assert ("came along" in done.stderr) == comes


def test_what_comes_along_in_any_case_is_no_right_guess(environment: Path, tmp_path: Path) -> None:
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    made = []
    for number in (1, 2):
        out = tmp_path / f"app-{number}"
        done = bundler(["pack", *SLIM, environment, "--out", out, "--json"], cache)
        assert done.returncode == 0, done.stderr
        made.append((out / "bundle.json").read_bytes())
        (held,) = (tmp_path / "cache/bundler/opened").iterdir()
        right = held.read_text()
        libraries = [item["origin"].removeprefix("host:") for item in json.loads(done.stdout)["bundled_libraries"]]
        held.write_text(json.dumps(dict.fromkeys(libraries, "lib.so")))
    assert held.read_text() != right
    assert made[0] == made[1]


def test_what_plain_python_opens_comes_along_and_is_found_without_the_hosts_tools(
    finding: Path, tmp_path: Path
) -> None:
    if ctypes.util.find_library("acl") is None:
        pytest.skip("this machine's find_library does not find libacl (no ldconfig, gcc or ld)")
    bundle = tmp_path / "app"
    done = bundler(["pack", *SLIM, finding, "--out", bundle, "-v"])
    assert done.returncode == 0, done.stderr
    assert "came along" in done.stderr
    seen = in_root(
        bare_root(tmp_path / "root"), bundle, ["/opt/app/bin/python", "-c", "import finder; print(finder.opened)"]
    )
    assert seen.stdout.startswith(f"<CDLL '{LIBRARY}'"), seen.stderr


def test_a_package_that_cannot_be_imported_only_to_look_at_it_is_no_fault(finding: Path, tmp_path: Path) -> None:
    (module,) = finding.glob("lib/python3*/site-packages/finder.py")
    module.write_text(module.read_text() + "raise SystemExit('there is no display')\n")
    done = bundler(["pack", *SLIM, finding, "--out", tmp_path / "app", "-v"])
    assert done.returncode == 0, done.stderr
    assert (
        "1 modules fail to import, in the source as well (without what was left out):\n  finder: SystemExit"
        in done.stderr
    )


@pytest.fixture(scope="module")
def guessed(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which a pack of the environment has left its guess."""
    folder = tmp_path_factory.mktemp("guessed")
    done = bundler(
        ["pack", *SLIM, environment, "--out", folder / "first", "-v"], {"XDG_CACHE_HOME": str(folder / "cache")}
    )
    assert "came along" in done.stderr
    return folder / "cache"


@pytest.fixture
def guess(guessed: Path, tmp_path: Path) -> dict[str, str]:
    """Variables with a copy of that cache."""
    return {"XDG_CACHE_HOME": str(shutil.copytree(guessed, tmp_path / "cache"))}


def test_a_guess_that_is_no_library_any_more_is_none(environment: Path, tmp_path: Path, guess: dict[str, str]) -> None:
    (held,) = (tmp_path / "cache/bundler/opened").iterdir()
    (tmp_path / "libgone.so.1").write_text("no library")
    held.write_text(json.dumps({**json.loads(held.read_text()), str(tmp_path / "libgone.so.1"): "libgone.so.1"}))
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "-v"], guess)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines().count("planning") == 1


@pytest.mark.parametrize("name", ["libacl.so", pytest.param("libacl.so.1", marks=pytest.mark.everything)])
def test_what_is_left_to_the_host_is_not_guessed(
    environment: Path, tmp_path: Path, guess: dict[str, str], name: str
) -> None:
    for variables in (guess, {"XDG_CACHE_HOME": str(tmp_path / "empty")}):
        done = bundler(
            ["pack", *SLIM, environment, "--out", tmp_path / "app", "--force", "--exclude-lib", name], variables
        )
        assert done.returncode == 0, done.stderr
        assert not list((tmp_path / "app/lib").rglob("libacl*"))


def test_without_an_audit_nothing_is_guessed(environment: Path, tmp_path: Path, guess: dict[str, str]) -> None:
    python = [sys.executable, "-m", "bundler"]
    options = ("--pyc", "none", "--format", "tar", "--no-cache")
    command = [*python, "pack", *SLIM, str(environment), "--out", "-", *options]
    without = subprocess.run(command, capture_output=True, check=True).stdout
    del command[-1]
    assert subprocess.run(command, capture_output=True, check=True, env={**os.environ, **guess}).stdout == without


def test_what_is_opened_by_its_whole_path_is_not_said_to_come_along(environment: Path, tmp_path: Path) -> None:
    own = tmp_path / "env"
    shutil.copytree(environment, own, symlinks=True)
    (module,) = own.glob("lib/python3*/site-packages/opener/__init__.py")
    # A new file at each import: there is no end to those.
    module.write_text(f"""
import ctypes, os, shutil, tempfile

folder = tempfile.mkdtemp(dir={str(tmp_path)!r})
ctypes.CDLL(shutil.copy({mapped()!r}, folder + "/opened.so"))
""")
    done = bundler(["pack", *SLIM, own, "--out", tmp_path / "app", "-v"])
    assert done.returncode == 3
    assert done.stderr.splitlines().count("planning") == 2
    assert "opened.so: is used and lies outside of the bundle" in done.stderr
    assert "came along" not in done.stderr
