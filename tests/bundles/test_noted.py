"""Libraries that a file says it opens at run time (`.note.dlopen`): they come along where nothing is run, and are found."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.binaries.elf.notes import dlopen_note, opens
from tests.binaries.elf.programs import compile_c
from tests.bundles.test_opened_at_run_time import LIBRARY, mapped
from tests.material.debian import debian_packages
from tests.material.environments import bundler, make
from tests.material.interpreters import main_python
from tests.material.isolation import bare_root, in_root

SUGGESTED = "libattr.so.1"
# Nothing opens it while modules are imported: no audit would see it.
OPENER = (
    dlopen_note(opens([LIBRARY], "required", "acl"), opens([SUGGESTED], "suggested"))
    + f'#include <dlfcn.h>\nint works(void) {{ return dlopen("{LIBRARY}", RTLD_NOW) != 0; }}\n'
)
MODULE = """
import ctypes, os

works = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "libopener.so")).works
"""
CODE = ["/opt/app/bin/python", "-c", "import opener; print(opener.works())"]


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    mapped_here()
    made = make("venv", main_python(), tmp_path / "env")
    package = next(made.glob("lib/python3*/site-packages")) / "opener"
    package.mkdir()
    (package / "__init__.py").write_text(MODULE)
    compile_c(OPENER, package / "libopener.so", "-shared", "-fPIC")
    return made


def mapped_here() -> str:
    try:
        return mapped()
    except OSError:
        pytest.skip(f"this machine has no {LIBRARY}")


def test_it_comes_along_without_an_audit_and_is_found_in_a_bare_root(environment: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "app"
    done = bundler(["pack", environment, "--out", bundle, "--no-verify", "--no-cache", "--json"])
    assert done.returncode == 0, done.stderr
    told = {item["sonames"][0]: item for item in json.loads(done.stdout)["opened_libraries"]}
    assert told[LIBRARY]["outcome"] == "bundled"
    assert told[LIBRARY]["library"] == f"lib/bundled/{LIBRARY}"
    assert told[LIBRARY]["path"].endswith("opener/libopener.so")
    assert json.loads((bundle / "bundle.json").read_text())["libraries"]["opened"] == [*told.values()]
    seen = in_root(bare_root(tmp_path / "root"), bundle, CODE)
    assert seen.stdout == "1\n", seen.stderr
    assert bundler(["verify", bundle]).returncode == 0


def test_the_host_s_it_stays_on_request_and_what_is_suggested_is_told(environment: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "app"
    done = bundler(["pack", environment, "--out", bundle, "--exclude-lib", LIBRARY, "--no-verify", "--no-probe"])
    assert done.returncode == 0, done.stderr
    assert not (bundle / "lib/bundled" / LIBRARY).exists()
    if os.path.exists(os.path.join(os.path.dirname(mapped_here()), SUGGESTED)):
        assert f"may open {SUGGESTED}, which it only suggests (--include-lib {SUGGESTED} takes it along)" in done.stderr


@pytest.mark.everything
def test_today_s_libsystemd_brings_what_it_recommends(tmp_path: Path) -> None:
    packages = debian_packages(
        "sid", ("libsystemd0", "libzstd1", "liblz4-1", "liblzma5", "libcap2"), label="libsystemd"
    )
    (library,) = packages.glob("usr/lib/*/libsystemd.so.0")
    environment = make("venv", main_python(), tmp_path / "env")
    package = next(environment.glob("lib/python3*/site-packages")) / "native"
    package.mkdir()
    (package / library.name).write_bytes(library.resolve().read_bytes())
    done = bundler(["pack", environment, "--out", tmp_path / "app", "--no-verify", "--json"])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["opened_libraries"]
    assert {"required", "recommended", "suggested"} & {item["priority"] for item in told}
    for item in told:
        assert item["path"].endswith("native/libsystemd.so.0")
        if item["priority"] != "suggested":
            assert item["outcome"] in ("bundled", "missing", "left to the host")
    assert any(item["outcome"] == "bundled" for item in told)
