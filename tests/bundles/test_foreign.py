"""Environments of other machines, read from files alone: packed here, run under emulation in a bare root of their machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.systems.linux.policy import stays_on_host
from tests.material.environments import bundler, empty_environment, pack, run
from tests.material.foreign import (
    AARCH64,
    ARMV7L,
    I686,
    S390X,
    VERSION,
    X86_64,
    Foreign,
    bare_root_of,
    emulated,
    root_of,
    this_machine,
    venv_in,
    wheel_of,
    with_emulator,
)
from tests.material.interpreters import main_python
from tests.material.oci import image_of
from tests.material.snapshots import snapshot

STRANGER = f"lib/python{VERSION}/site-packages/for_another_machine.so"
PYTHON = f"/opt/app/bin/python{VERSION}"


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


def furnish(root: Path, environment: Path, machine: Foreign) -> None:
    """What only names as seen from inside lead to: a configured library folder, a link to a file, a script elsewhere."""
    (root / "opt/more").mkdir(parents=True)
    for library in (root / f"usr/lib/{machine.multiarch}").glob("libz.so.1*"):
        library.rename(root / "opt/more" / library.name)
    (root / "etc/ld.so.conf").write_text("/opt/more\n")
    (root / "srv/settings.txt").write_text("inside\n")
    (environment / "share").mkdir()
    (environment / "share/settings.txt").symlink_to("/srv/settings.txt")
    tool = environment / "share/tool"
    tool.write_text("#!/srv/application/.venv/bin/python3\nimport sys\nprint(sys.prefix)\n")
    tool.chmod(0o755)


# One machine of the other byte order stands for all in the quick tier; 32 bits and a larger wheel are more rows of the matrix.
every_machine = pytest.mark.parametrize(
    "packed",
    [S390X, *(pytest.param(machine, marks=pytest.mark.everything) for machine in (AARCH64, ARMV7L, I686))],
    indirect=True,
    ids=str,
)
one_machine = pytest.mark.parametrize("packed", [S390X], indirect=True, ids=str)


@pytest.fixture(scope="module")
def packed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    machine: Foreign = request.param
    folder = tmp_path_factory.mktemp(machine.name)
    root = root_of(machine, folder / "root")
    environment = venv_in(root, "/srv/application/.venv", [wheel_of(machine)])
    shutil.copy(os.path.realpath(sys.executable), environment / STRANGER)
    furnish(root, environment, machine)
    before = snapshot(root)
    report = json.loads(pack(Path("/srv/application/.venv"), folder / "bundle", "--root", root, "--json").stdout)
    untouched = snapshot(root) == before
    yield Packed(machine, root, folder / "bundle", report, bare_root_of(machine, root, folder / "bare"), untouched)
    shutil.rmtree(folder)


@every_machine
def test_it_runs_in_a_bare_root_of_its_machine_with_all_extension_modules_and_the_wheel(packed: Packed) -> None:
    dynload = os.listdir(packed.bundle / f"lib/python{VERSION}/lib-dynload")
    names = sorted({name.split(".")[0] for name in dynload if name.endswith(".so")})
    assert len(names) > 30
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


@every_machine
def test_its_scripts_and_processes_start_each_other(packed: Packed) -> None:
    assert packed.run("/opt/app/bin/where") == packed.run("/opt/app/share/tool") == "/opt/app\n"
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sys; print(sys.prefix)'], check=True)"
    assert packed.run(PYTHON, "-c", code) == "/opt/app\n"


@every_machine
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


@every_machine
def test_a_binary_of_another_machine_is_data(packed: Packed) -> None:
    assert (packed.bundle / STRANGER).read_bytes() == Path(os.path.realpath(sys.executable)).read_bytes()
    needs = [path for path in packed.report["changed"] if path["path"] == STRANGER]  # type: ignore[attr-defined]
    assert needs == [] and packed.report["missing_libraries"] == []


@every_machine
def test_no_path_of_this_machine_is_in_the_bundle(packed: Packed) -> None:
    needle = os.fsencode(packed.root)
    files = [path for path in packed.bundle.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 500
    assert [path for path in files if needle in path.read_bytes()] == []
    assert [path for path in packed.bundle.rglob("*") if path.is_symlink() and os.readlink(path).startswith("/")] == []
    manifest = json.loads((packed.bundle / "bundle.json").read_text())
    origins = {item["path"]: item["origin"] for item in manifest["libraries"]["bundled"]}
    assert re.fullmatch(r"host:/opt/more/libz\.so\.1\.[\d.]+", origins["lib/bundled/libz.so.1"])
    assert (packed.bundle / "share/settings.txt").read_text() == "inside\n"
    assert origins["lib/bundled/libffi.so.8"] == f"base:lib/{packed.machine.multiarch}/libffi.so.8.1.2"
    assert list((packed.bundle / "share/python-wheels").glob("pip-*.whl"))


@one_machine
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


@one_machine
def test_archives_of_two_copies_of_a_root_are_equal_and_run(packed: Packed, tmp_path: Path) -> None:
    digests = []
    for place in ("one", "two/deeper"):
        root = tmp_path / place / "root"
        root.parent.mkdir(parents=True)
        subprocess.run(["cp", "-a", packed.root, root], check=True)
        archive = tmp_path / place / "bundle.tar.gz"
        pack(root / "srv/application/.venv", archive, "--root", root, "--level", "1")
        digests.append(hashlib.sha256(archive.read_bytes()).hexdigest())
        shutil.rmtree(root)
    assert digests[0] == digests[1]
    with tarfile.open(tmp_path / "one/bundle.tar.gz") as tar:
        tar.extractall(tmp_path / "out", filter="fully_trusted")
    code = f"import ssl, sqlite3, {packed.machine.module}, sys; print(sys.prefix)"
    assert packed.run(PYTHON, "-c", code, bundle=tmp_path / "out") == "/opt/app\n"


@one_machine
def test_compiling_is_refused_with_what_to_do_instead(packed: Packed, tmp_path: Path) -> None:
    done = bundler(
        ["pack", "/srv/application/.venv", "--root", packed.root, "--out", tmp_path / "x", "--pyc", "compile"]
    )
    assert done.returncode == 1
    assert "--pyc compile" in done.stderr and "--pyc keep" in done.stderr
    assert not (tmp_path / "x").exists()


@one_machine
def test_an_environment_that_is_not_below_the_root_is_named(packed: Packed, tmp_path: Path) -> None:
    done = bundler(["pack", "nowhere", "--root", packed.root, "--out", tmp_path / "x"])
    assert done.returncode == 1
    assert "nowhere does not lie below" in done.stderr and "/app/.venv" in done.stderr


@one_machine
def test_an_image_from_scratch_is_the_machine_s_own(packed: Packed, tmp_path: Path) -> None:
    pack(Path("/srv/application/.venv"), tmp_path / "image.oci.tar", "--root", packed.root, "--level", "1")
    assert configuration(tmp_path / "image.oci.tar")["architecture"] == "s390x"
    base = image_of(tmp_path / "base.tar", "amd64", "s390x")
    words: list[str | Path] = ["--root", packed.root, "--base", base, "--no-verify", "--level", "1"]
    pack(Path("/srv/application/.venv"), tmp_path / "on_base.oci.tar", *words)
    assert "FOR=s390x" in str(configuration(tmp_path / "on_base.oci.tar")["config"])


def configuration(path: Path) -> dict[str, object]:
    """The configuration of an OCI image."""
    with tarfile.open(path) as image:
        blobs = [image.extractfile(member) for member in image if member.isfile() and "blobs" in member.name]
        texts = [blob.read() for blob in blobs if blob is not None]
    (config,) = [json.loads(text) for text in texts if text.startswith(b"{") and b'"architecture"' in text[:2000]]
    found: dict[str, object] = config
    return found


@pytest.mark.everything
@one_machine
def test_verify_runs_it_where_an_emulator_is_registered(packed: Packed) -> None:
    done = with_emulator(
        packed.machine, packed.bare, [sys.executable, "-m", "bundler", "verify", packed.bundle, "--json"]
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] == [] and report["run"]["tried"] > 40 and report["run"]["failed"] == {}
    done = with_emulator(packed.machine, None, [sys.executable, "-m", "bundler", "verify", packed.bundle])
    assert done.returncode == 0, done.stderr
    assert f"needs /lib/{packed.machine.loader}, which this machine" in done.stderr


def test_in_a_root_of_this_machine_only_what_lies_there_is_found(tmp_path: Path) -> None:
    """The host has the same libraries at the same places."""
    if this_machine() is not X86_64 or not os.path.exists("/usr/lib/x86_64-linux-gnu/libsqlite3.so.0"):
        pytest.skip("needs an x86-64 Debian with libsqlite3-0")
    root = root_of(X86_64, tmp_path / "root")
    venv_in(root, "/app")
    report = json.loads(pack(Path("/app"), tmp_path / "bundle", "--root", root, "--json").stdout)
    assert report["missing_libraries"] == []
    assert report["audit"]["run"] is None
    for library in (root / "usr/lib/x86_64-linux-gnu").glob("libsqlite3.so*"):
        library.unlink()
    (root / "usr/lib/x86_64-linux-gnu/libsqlite3.so.0").symlink_to(
        "../../../../../../usr/lib/x86_64-linux-gnu/libsqlite3.so.0.8.6"
    )
    report = json.loads(pack(Path("/app"), tmp_path / "without", "--root", root, "--json").stdout)
    assert [item["needed"] for item in report["missing_libraries"]] == ["libsqlite3.so.0"]
    assert any("libsqlite3.so.0, which the source does not find either" in note for note in report["audit"]["notes"])
    run([tmp_path / "bundle/bin/python", "-I", "-c", "import sqlite3, ssl"])


def test_what_is_read_from_files_is_not_run(tmp_path: Path) -> None:
    environment = empty_environment(tmp_path / "env")
    wrapped = tmp_path / "ran"
    customize = environment / f"lib/python{main_python().version}/site-packages/sitecustomize.py"
    customize.write_text(f"open({str(wrapped)!r}, 'w')\n")
    report = json.loads(pack(environment, tmp_path / "bundle", "--no-probe", "--json").stdout)
    assert report["audit"]["run"] is None and report["audit"]["faults"] == []
    assert not wrapped.exists()
    run([tmp_path / "bundle/bin/python", "-c", "import ssl"])
    assert wrapped.exists()
    some = tmp_path / f"bundle/lib/python{main_python().version}/json"
    mode = ["--invalidation-mode", "unchecked-hash"]
    run([tmp_path / "bundle/bin/python3", "-m", "compileall", "-q", *mode, some])
    assert list((some / "__pycache__").glob("*.pyc"))
    done = bundler(["inspect", environment, "--no-probe"])
    assert "read: from files" in done.stdout and f"python: {main_python().version}." in done.stdout


def test_an_import_hook_has_names_of_the_root(tmp_path: Path) -> None:
    root = root_of(S390X, tmp_path / "root")
    folder = venv_in(root, "/app") / f"lib/python{VERSION}/site-packages"
    (folder / "__editable__.hooked-1.0.pth").write_text("import __editable___hooked_1_0_finder\n")
    (folder / "__editable___hooked_1_0_finder.py").write_text("MAPPING = {'hooked': '/srv/hooked'}\n")
    (root / "srv/hooked").mkdir(parents=True)
    (root / "srv/hooked/__init__.py").write_text("X = 1\n")
    pack(Path("/app"), tmp_path / "bundle", "--root", root)
    there = tmp_path / f"bundle/lib/python{VERSION}/site-packages"
    assert (there / "hooked/__init__.py").read_text() == "X = 1\n"
    assert not list(there.glob("__editable__*"))


def test_a_path_in_a_pth_file_is_a_name_in_the_root(tmp_path: Path) -> None:
    root = root_of(S390X, tmp_path / "root")
    folder = venv_in(root, "/app") / f"lib/python{VERSION}/site-packages"
    (root / "srv/project/src").mkdir(parents=True)
    (root / "srv/project/src/ours.py").write_text("X = 1\n")
    (folder / "ours.pth").write_text("/srv/project/src\n")
    pack(Path("/app"), tmp_path / "bundle", "--root", root)
    assert (tmp_path / f"bundle/lib/python{VERSION}/site-packages/ours.py").read_text() == "X = 1\n"
