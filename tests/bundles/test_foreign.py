"""Environments of other machines, read from files alone: packed here, run under emulation in a bare root of their machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.libraries.policy import stays_on_host
from tests.material.environments import bundler, pack
from tests.material.foreign import (
    AARCH64,
    ARMV7L,
    I686,
    S390X,
    VERSION,
    Foreign,
    bare_root_of,
    emulated,
    root_of,
    venv_in,
    wheel_of,
)
from tests.material.snapshots import snapshot

PYTHON = f"/opt/app/bin/python{VERSION}"
EVERYTHING = pytest.mark.everything


@dataclass(frozen=True)
class Packed:
    """A root of another machine, a venv in it, its bundle, the report, and a bare root to run it in."""

    machine: Foreign
    root: Path
    bundle: Path
    report: dict[str, object]
    bare: Path
    untouched: bool

    def run(self, *command: str, bundle: Path | None = None) -> str:
        done = emulated(self.machine, self.bare, bundle or self.bundle, command)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(AARCH64, marks=EVERYTHING),
        S390X,
        pytest.param(ARMV7L, marks=EVERYTHING),
        pytest.param(I686, marks=EVERYTHING),
    ],
    ids=str,
)
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    machine: Foreign = request.param
    folder = tmp_path_factory.mktemp(machine.name)
    root = root_of(machine, folder / "root")
    venv_in(root, "/srv/application/.venv", [wheel_of(machine)])
    before = snapshot(root)
    report = json.loads(pack("/srv/application/.venv", folder / "bundle", "--root", root, "--json").stdout)  # type: ignore[arg-type]
    untouched = snapshot(root) == before
    yield Packed(machine, root, folder / "bundle", report, bare_root_of(machine, root, folder / "bare"), untouched)
    shutil.rmtree(folder)


def test_it_runs_in_a_bare_root_of_its_machine_with_all_extension_modules_and_the_wheel(packed: Packed) -> None:
    dynload = os.listdir(packed.bundle / f"lib/python{VERSION}/lib-dynload")
    names = sorted({name.split(".")[0] for name in dynload if name.endswith(".so")})
    assert len(names) > 40
    code = (
        f"import importlib, json, sys, platform\nfor name in {[*names, packed.machine.module]!r}: importlib.import_module(name)\n"
        "maps = {line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}\n"
        "print(json.dumps([sys.prefix, platform.machine(), sys.path, sorted(maps)]))"
    )
    prefix, machine, path, mapped = json.loads(packed.run(PYTHON, "-c", code))
    assert (prefix, machine) == ("/opt/app", packed.machine.name)
    assert [entry for entry in path if entry and not entry.startswith("/opt/app/")] == []
    outside = [os.path.basename(file) for file in mapped if not file.startswith("/opt/app/")]
    assert outside and [name for name in outside if stays_on_host(name) is None] == []
    assert [file for file in mapped if "/lib/bundled/libz.so" in file]


def test_its_scripts_and_processes_start_each_other(packed: Packed) -> None:
    assert packed.run("/opt/app/bin/where") == "/opt/app\n"
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(sys.prefix)'], check=True)"
    assert packed.run(PYTHON, "-c", code) == "/opt/app\n"


def test_the_report_says_what_it_needs_and_that_nothing_was_run(packed: Packed) -> None:
    manifest = json.loads((packed.bundle / "bundle.json").read_text())
    assert manifest["platform"]["machine"] == packed.machine.name
    assert packed.report["floor"]["glibc"].startswith("2.")  # type: ignore[index]
    assert packed.report["missing_libraries"] == []
    audit = packed.report["audit"]
    assert isinstance(audit, dict)
    assert audit["faults"] == [] and audit["run"] is None
    assert any("nothing was run" in note for note in audit["notes"])
    assert packed.untouched


def test_no_path_of_this_machine_is_in_the_bundle(packed: Packed) -> None:
    needle = os.fsencode(packed.root)
    files = [path for path in packed.bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    assert [path for path in files if needle in path.read_bytes()] == []
    assert [path for path in packed.bundle.rglob("*") if path.is_symlink() and os.readlink(path).startswith("/")] == []
    manifest = json.loads((packed.bundle / "bundle.json").read_text())
    assert any(
        item["origin"].endswith(f"usr/lib/{packed.machine.multiarch}/libffi.so.8.1.2") or "libffi" in item["path"]
        for item in manifest["libraries"]["bundled"]
    )


def test_verify_here_is_static_and_says_why(packed: Packed, tmp_path: Path) -> None:
    if os.path.exists(f"/lib/{packed.machine.loader}") or os.path.exists(f"/lib64/{packed.machine.loader}"):
        pytest.skip("this machine has a loader for it")
    done = bundler(["verify", packed.bundle])
    assert done.returncode == 0, done.stderr
    assert "nothing of it was run" in done.stderr and packed.machine.name in done.stderr
    broken = tmp_path / "broken"
    shutil.copytree(packed.bundle, broken, symlinks=True)
    for library in (broken / "lib/bundled").glob("libffi.so.8*"):
        library.unlink()
    done = bundler(["verify", broken])
    assert done.returncode == 3
    assert "needs libffi.so.8, which is not found" in done.stderr


def test_archives_of_two_copies_of_a_root_are_equal_and_run(packed: Packed, tmp_path: Path) -> None:
    digests = []
    for place in ("one", "two/deeper"):
        root = tmp_path / place / "root"
        root.parent.mkdir(parents=True)
        subprocess.run(["cp", "-a", packed.root, root], check=True)
        archive = tmp_path / place / "bundle.tar.gz"
        pack(root / "srv/application/.venv", archive, "--root", root)
        digests.append(hashlib.sha256(archive.read_bytes()).hexdigest())
        shutil.rmtree(root)
    assert digests[0] == digests[1]
    with tarfile.open(tmp_path / "one/bundle.tar.gz") as tar:
        tar.extractall(tmp_path / "out", filter="fully_trusted")
    code = f"import ssl, sqlite3, {packed.machine.module}, sys; print(sys.prefix)"
    assert packed.run(PYTHON, "-c", code, bundle=tmp_path / "out") == "/opt/app\n"


def test_compiling_is_refused_with_what_to_do_instead(packed: Packed, tmp_path: Path) -> None:
    done = bundler(
        ["pack", "/srv/application/.venv", "--root", packed.root, "--out", tmp_path / "x", "--pyc", "compile"]
    )
    assert done.returncode == 1
    assert "--pyc compile" in done.stderr and "--pyc keep" in done.stderr
    assert not (tmp_path / "x").exists()


def test_an_environment_that_is_not_below_the_root_is_named(packed: Packed, tmp_path: Path) -> None:
    done = bundler(["pack", "nowhere", "--root", packed.root, "--out", tmp_path / "x"])
    assert done.returncode == 1
    assert "nowhere does not lie below" in done.stderr and "/app/.venv" in done.stderr
