"""Libraries that a file says it opens at run time (`.note.dlopen`): they come along where nothing is run, and are found."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.binaries.elf.notes import dlopen_note, opens
from tests.binaries.elf.programs import compile_c
from tests.bundles.test_opened_at_run_time import LIBRARY, mapped
from tests.material.debian import debian_packages, debian_root, inside
from tests.material.environments import SLIM, bundler, empty_environment
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


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with a library that says what it opens when a function of it is called."""
    mapped_here()
    made = empty_environment(tmp_path_factory.mktemp("noted") / "env")
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
    done = bundler(["pack", *SLIM, environment, "--out", bundle, "--no-verify", "--no-cache", "--json"])
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
    done = bundler(["pack", *SLIM, environment, "--out", bundle, "--exclude-lib", LIBRARY, "--no-verify", "--no-probe"])
    assert done.returncode == 0, done.stderr
    assert not (bundle / "lib/bundled" / LIBRARY).exists()
    if os.path.exists(os.path.join(os.path.dirname(mapped_here()), SUGGESTED)):
        assert f"may open {SUGGESTED}, which it only suggests (--include-lib {SUGGESTED} takes it along)" in done.stderr


@pytest.mark.everything
def test_what_today_s_libsystemd_only_suggests_does_not_come_along_for_that(tmp_path: Path) -> None:
    packages = debian_packages("sid", ("libsystemd0",), label="libsystemd0")
    (library,) = packages.glob("usr/lib/*/libsystemd.so.0")
    environment = empty_environment(tmp_path / "env")
    package = next(environment.glob("lib/python3*/site-packages")) / "native"
    package.mkdir()
    shutil.copy(library, package)
    done = bundler(["pack", *SLIM, environment, "--out", tmp_path / "app", "--no-verify", "--json"])
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["opened_libraries"]
    assert {"liblz4.so.1", "libzstd.so.1"} <= {item["sonames"][0] for item in told if item["priority"] == "suggested"}
    libraries = json.loads((tmp_path / "app/bundle.json").read_text())["libraries"]["bundled"]
    assert [item["path"] for item in libraries if any("libsystemd" in path for path in item["needed_by"])] == []


@pytest.mark.everything
def test_what_sdl_3_recommends_comes_along_from_another_root(tmp_path: Path) -> None:
    wanted = ("libdbus-1.so.3", "libudev.so.1")
    with tempfile.TemporaryDirectory(prefix="sid-") as folder:
        root = debian_root("sid", Path(folder) / "root")
        packages = debian_packages("sid", ("libsdl3-0", "libdbus-1-3"), label="sdl3")
        shutil.copytree(packages / "usr/lib", root / "usr/lib", symlinks=True, dirs_exist_ok=True)
        done = inside(root, "ldconfig; python3 -m venv --without-pip /srv/venv")
        assert done.returncode == 0, done.stderr
        (site,) = root.glob("srv/venv/lib/python3*/site-packages")
        (library,) = packages.glob("usr/lib/*/libSDL3.so.0")
        shutil.copy(library, site)
        done = bundler(["pack", "/srv/venv", "--root", root, "--out", tmp_path / "app", "--json"])
        assert done.returncode == 0, done.stderr
        told = {item["sonames"][0]: item for item in json.loads(done.stdout)["opened_libraries"]}
        assert [told[name]["library"] for name in wanted] == [f"lib/bundled/{name}" for name in wanted]
        assert told["libpipewire-0.3.so.0"]["outcome"] == "missing"
        assert told["libvulkan.so.1"]["outcome"] == "left to the host"
        code = (
            "import ctypes\n"
            f"for name in {wanted}: ctypes.CDLL(name)\n"
            "print(sorted({line.split()[-1] for line in open('/proc/self/maps') if '/lib/bundled/' in line}))"
        )
        script = f'rm -rf /srv/venv /usr/lib/*/libdbus* /usr/lib/*/libudev*; /opt/app/bin/python3 -c "{code}"'
        done = inside(root, script, [(tmp_path / "app", "opt/app")])
        assert done.returncode == 0, done.stderr
        assert all(f"/opt/app/lib/bundled/{name}" in done.stdout for name in wanted)
