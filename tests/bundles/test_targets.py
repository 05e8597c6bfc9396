"""Promise 8: whether a bundle runs on the system that it is meant for is known when it is packed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compile_c
from tests.material.debian import debian_root, inside
from tests.material.environments import SLIM, bundler, clean, empty_environment, run, tool

QUICK = (*SLIM, "--audit", "quick")
OLD = "glibc2.5"
"""No Python of today runs there."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return empty_environment(tmp_path_factory.mktemp("target") / "env")


@pytest.fixture(scope="module")
def new(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a target that is just new enough for an environment."""
    out = tmp_path_factory.mktemp("dry") / "app"
    floor = json.loads(bundler(["pack", *QUICK, environment, "--out", out, "--dry-run", "--json"]).stdout)["floor"]
    if "glibc" not in floor:
        pytest.skip("needs a Python for glibc")
    return f"glibc{floor['glibc']}"


@pytest.fixture(scope="module")
def bundle(environment: Path, new: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "app"
    done = bundler(["pack", *QUICK, environment, "--out", out, "--target", new])
    assert done.returncode == 0, done.stderr
    assert f"runs on {new}" in done.stderr
    return out


def faults_of(text: str) -> list[dict[str, str]]:
    found = json.loads(text)
    faults: list[dict[str, str]] = found["faults"] if "faults" in found else found["audit"]["faults"]
    return faults


def test_files_that_ask_for_more_are_faults_with_symbols_and_what_would_help(bundle: Path) -> None:
    done = bundler(["verify", bundle, "--no-run", "--target", OLD, "--json"])
    assert done.returncode == 3
    faults = faults_of(done.stdout)
    assert {fault["kind"] for fault in faults} == {"target"}
    floor = json.loads((bundle / "bundle.json").read_text())["platform"]
    told = {fault["path"]: fault for fault in faults}
    assert floor["floor_symbol"] in told[floor["floor_file"]]["message"]
    assert all(f"{OLD} has glibc 2.5" in fault["message"] and "--libc bundle" in fault["hint"] for fault in faults)
    assert any("(" in fault["message"].partition(";")[0] for fault in faults), "symbols are named"


def test_verify_holds_a_bundle_to_what_it_was_packed_for(bundle: Path, new: str, tmp_path: Path) -> None:
    assert json.loads(bundler(["verify", bundle, "--no-run", "--json"]).stdout)["target"] == new
    told = json.loads((bundle / "bundle.json").read_text())
    assert told["options"]["target"] == new
    told["options"]["target"] = OLD
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-al", bundle, copy], check=True)
    (copy / "bundle.json").unlink()
    (copy / "bundle.json").write_text(json.dumps(told))
    done = bundler(["verify", copy, "--no-run"])
    assert done.returncode == 3 and f"held them against {OLD}" in done.stderr
    told["options"]["target"] = "system of tomorrow"
    (copy / "bundle.json").write_text(json.dumps(told))
    done = bundler(["verify", copy, "--no-run"])
    assert done.returncode == 0 and "was packed for system of tomorrow" in done.stderr


@pytest.mark.parametrize(
    "options", [("--dry-run",), pytest.param(("--no-verify",), marks=pytest.mark.everything)], ids=" ".join
)
def test_what_is_not_audited_is_told_as_well(environment: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    done = bundler(["pack", *QUICK, environment, "--out", tmp_path / "app", *options, "--target", OLD, "--json"])
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert report["audit"] is None and {fault["kind"] for fault in report["unfit"]} == {"target"}
    assert (tmp_path / "app").exists() == ("--dry-run" not in options)


@pytest.mark.everything
def test_an_archive_says_so_too_and_its_update_is_held_to_the_same(environment: Path, tmp_path: Path) -> None:
    out = tmp_path / "app.tar.zst"
    done = bundler(["pack", *QUICK, "--pyc", "none", "--level", "1", environment, "--out", out, "--target", OLD])
    assert done.returncode == 3 and f"does not run on {OLD}" in done.stderr
    assert bundler(["verify", out]).returncode == 3
    done = bundler(["pack", environment, "--out", out, "--update", "--json"])
    assert done.returncode == 3 and {fault["kind"] for fault in faults_of(done.stdout)} == {"target"}


@pytest.mark.everything
def test_a_libc_of_its_own_asks_for_none(environment: Path, tmp_path: Path) -> None:
    words: list[str | Path] = ["pack", *QUICK, environment, "--libc", "bundle", "--out", tmp_path / "app"]
    for target in ("rhel7", "alpine"):
        done = bundler([*words, "--dry-run", "--target", target])
        assert done.returncode == 0 and f"runs on {target}" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [("debian", 2, "did you mean"), ("macos11", 1, "is macOS"), ("manylinux_2_28_s390x", 1, "is for s390x")],
)
def test_what_is_no_target_leaves_nothing(
    environment: Path, tmp_path: Path, target: str, status: int, words: str
) -> None:
    done = bundler(["pack", environment, "--out", tmp_path / "app", "--target", target])
    assert done.returncode == status and words in done.stderr
    assert not (tmp_path / "app").exists()


def test_a_bundle_of_another_system_is_told(bundle: Path) -> None:
    done = bundler(["verify", bundle, "--no-run", "--target", "windows10", "--json"])
    assert [fault["kind"] for fault in faults_of(done.stdout)] == ["target"]
    assert bundler(["verify", bundle, "--no-run", "--target", "debian"]).returncode == 2


def library(where: Path, made: Path, *versions: str) -> Path:
    """`libversioned.so` with a function for each version, compiled in the folder `made`."""
    made.mkdir(exist_ok=True)
    script = made / "versions"
    script.write_text("".join(f"{name} {{ global: f{name[-1]}; }};\n" for name in versions))
    text = "".join(f"int f{name[-1]}(void) {{ return {name[-1]}; }}\n" for name in versions)
    name = ("-Wl,-soname,libversioned.so", f"-Wl,--version-script={script}")
    compile_c(text, made / "libversioned.so", "-shared", "-fPIC", *name)
    return Path(shutil.copy(made / "libversioned.so", where))


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """An environment with a library that needs `V_2` of one beside it, which has that."""
    made = empty_environment(tmp_path / "env")
    package = next(made.glob("lib/python3*/site-packages")) / "mixed"
    package.mkdir()
    (package / "__init__.py").write_text("")
    beside = library(package / "libversioned.so", tmp_path / "new", "V_1", "V_2")
    path = ("-Wl,-rpath,$ORIGIN", "-Wl,--disable-new-dtags", "-Wl,-soname,libuser.so")
    text = "int f2(void);\nint user(void) { return f2(); }\n"
    compile_c(text, tmp_path / "new/libuser.so", "-shared", "-fPIC", str(beside), *path)
    shutil.copy(tmp_path / "new/libuser.so", package)
    return made


def test_what_the_source_does_not_find_either_is_a_warning(mixed: Path, tmp_path: Path) -> None:
    package = next(mixed.glob("lib/python3*/site-packages")) / "mixed"
    library(package / "libversioned.so", tmp_path / "old", "V_1")
    text = "int symbol_of_another_program(void);\nint plugin(void) { return symbol_of_another_program(); }\n"
    compile_c(text, tmp_path / "plugin/libplugin.so", "-shared", "-fPIC", "-Wl,-z,now")
    shutil.copy(tmp_path / "plugin/libplugin.so", package)
    done = bundler(["pack", *QUICK, mixed, "--out", tmp_path / "app", "--no-verify"])
    assert done.returncode == 0, done.stderr
    assert "mixed/libuser.so needs V_2 of libversioned.so" in done.stderr
    assert "mixed/libplugin.so cannot be loaded where nothing else brings symbol_of_another_program" in done.stderr
    libraries = json.loads((tmp_path / "app/bundle.json").read_text())["libraries"]
    (told,) = libraries["unprovided"]
    assert (told["path"].rpartition("/")[2], told["version"]) == ("libuser.so", "V_2")
    (told,) = libraries["unbound"]
    assert (told["path"].rpartition("/")[2], told["symbols"]) == ("libplugin.so", ["symbol_of_another_program"])
    done = bundler(["verify", tmp_path / "app", "--no-run", "-v"])
    assert done.returncode == 0 and done.stderr.count("in the source either") == 2


def test_a_version_that_was_there_and_is_not_is_a_fault(mixed: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "app"
    assert bundler(["pack", *QUICK, mixed, "--out", bundle, "--no-verify"]).returncode == 0
    (path,) = bundle.glob("lib/python3*/site-packages/mixed/libversioned.so")
    library(path, tmp_path / "old", "V_1")
    manifest = json.loads((bundle / "bundle.json").read_text())
    fact = manifest["files"][str(path.relative_to(bundle))]
    fact |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
    (bundle / "bundle.json").write_text(json.dumps(manifest))
    faults = faults_of(bundler(["verify", bundle, "--no-run", "--json"]).stdout)
    assert [fault["path"].rpartition("/")[2] for fault in faults] == ["libuser.so"]
    assert faults[0]["message"].startswith("needs V_2 (f2) of libversioned.so, which lib/")


WHEEL = "bcrypt"
RUNS = "import bcrypt; print(bcrypt.checkpw(b'x', bcrypt.hashpw(b'x', bcrypt.gensalt(4))))"


@pytest.mark.everything
@pytest.mark.parametrize(("tag", "runs"), [("manylinux_2_28_x86_64", True), ("manylinux_2_34_x86_64", False)])
def test_the_verdict_on_a_wheel_is_that_of_the_target_itself(tmp_path: Path, tag: str, runs: bool) -> None:
    """Debian 11's own Python with a wheel, packed from outside: what passes runs in the root, what does not fails there."""
    root = debian_root("bullseye", tmp_path / "root")
    assert inside(root, "python3 -m venv --without-pip /venv").returncode == 0
    (packages,) = root.glob("venv/lib/python3*/site-packages")
    version = packages.parent.name.removeprefix("python")
    options = ["--only-binary=:all:", "--no-deps", "--python-version", version, "--platform", tag]
    run([tool("pip"), "install", "-q", "--target", packages, *options, WHEEL], env=clean())
    out = root / "opt/app"
    words: list[str | Path] = ["pack", root / "venv", "--root", root, "--out", out, "--target", "debian11", "--json"]
    done = bundler([*words, "--libc", "host"])
    assert done.returncode == (0 if runs else 3), done.stderr
    faults = faults_of(done.stdout)
    assert all(fault["kind"] == "target" and WHEEL in fault["path"] for fault in faults) and bool(faults) is not runs
    assert all(f"is a wheel for {tag}" in fault["hint"] for fault in faults)
    ran = inside(root, f'/opt/app/bin/python3 -c "{RUNS}"')
    assert (ran.returncode == 0) is runs, ran.stderr
    assert ("GLIBC_" in ran.stderr) is not runs


@pytest.mark.everything
@pytest.mark.parametrize(("libc", "runs"), [("host", False), ("bundle", True)])
def test_the_verdict_on_this_machine_s_python_is_that_of_the_target_itself(
    environment: Path, new: str, tmp_path: Path, libc: str, runs: bool
) -> None:
    if new in ("glibc2.31", "glibc2.30", "glibc2.28", "glibc2.17"):
        pytest.skip("needs a Python that is newer than Debian 11")
    root = debian_root("bullseye", tmp_path / "root")
    out = root / "opt/app"
    done = bundler(["pack", *QUICK, environment, "--out", out, "--libc", libc, "--target", "debian11"])
    assert done.returncode == (0 if runs else 3), done.stderr
    ran = inside(root, '/opt/app/bin/python3 -c "import ssl, sqlite3, ctypes"')
    assert (ran.returncode == 0) is runs, ran.stderr
    assert ("GLIBC_" in ran.stderr) is not runs
