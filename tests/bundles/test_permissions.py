"""A bundle is nobody's to change but its owner's, and gives nobody rights, whatever source and umask say."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.material.environments import SLIM, bundler, clean, empty_environment, pack, tool

OPEN_TO_ALL = stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID
TOOL = "tool-of-all"


def open_environment(where: Path) -> Path:
    """An environment in which anybody may write to everything, with a program that has a set-id bit."""
    made = empty_environment(where)
    program = made / "bin" / TOOL
    program.write_text("#!/bin/sh\necho hello\n")
    subprocess.run(["chmod", "-R", "a+rwX", made], check=True)
    program.chmod(0o4777)
    return made


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_environment(tmp_path_factory.mktemp("open") / "env")


def without_umask(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """The outcome of a command that runs with a umask of 000."""
    shell = ["sh", "-c", 'umask 000 && exec "$@"', "sh"]
    command = [*shell, tool("bundler"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean())


def open_paths(folder: Path) -> list[str]:
    """What anybody may write to, and programs that give rights."""
    paths = [folder, *folder.rglob("*")]
    return [str(path) for path in paths if not path.is_symlink() and path.stat().st_mode & OPEN_TO_ALL]


@pytest.mark.parametrize(
    "options", [(), pytest.param(("--link", "hardlink"), marks=pytest.mark.everything)], ids=["copied", "linked"]
)
def test_nobody_else_may_write_to_a_directory(environment: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    out = tmp_path / "app"
    done = without_umask("pack", *SLIM, environment, "--out", out, *options, "-v")
    assert done.returncode == 0, done.stderr
    assert open_paths(out) == []
    assert (out / "bin" / TOOL).stat().st_mode & 0o7777 == 0o775
    assert (environment / "bin" / TOOL).stat().st_mode & 0o7777 == 0o4777, "the source is left alone"
    assert "anybody may write to bin" in done.stderr
    assert f"bin/{TOOL}: its set-id bit is not taken along" in done.stderr


def test_nor_to_an_archive_or_what_comes_out_of_it(environment: Path, tmp_path: Path) -> None:
    out = tmp_path / "app.tar"
    done = without_umask("pack", *SLIM, environment, "--out", out, "--no-verify")
    assert done.returncode == 0, done.stderr
    assert out.stat().st_mode & 0o777 == 0o664
    with tarfile.open(out) as archive:
        members = archive.getmembers()
    assert [member.name for member in members if not member.issym() and member.mode & OPEN_TO_ALL] == []
    assert {(member.uid, member.gid) for member in members} == {(0, 0)}


@pytest.mark.everything
def test_nor_to_an_environment_that_became_one(tmp_path: Path) -> None:
    made = open_environment(tmp_path / "env")
    done = without_umask("pack", *SLIM, made, "--in-place")
    assert done.returncode == 0, done.stderr
    assert open_paths(made) == []


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that each test mends again."""
    folder = tmp_path_factory.mktemp("mended")
    pack(empty_environment(folder / "env"), folder / "bundle", *SLIM, "--no-verify")
    return folder / "bundle"


def faults_of(bundle: Path, *options: str) -> list[dict[str, str]]:
    done = bundler(["verify", bundle, "--json", *options])
    found: list[dict[str, str]] = json.loads(done.stdout)["faults"]
    assert (done.returncode == 3) is bool(found)
    assert json.loads(done.stdout)["run"] is None
    return found


def test_a_set_user_id_interpreter_is_a_fault(bundle: Path) -> None:
    executable = (bundle / "bin/python3").resolve()
    executable.chmod(0o4755)
    (fault,) = faults_of(bundle)  # and nothing of it is run
    assert (fault["kind"], fault["path"]) == ("permission", f"bin/{executable.name}")
    subprocess.run(fault["hint"].split(), cwd=bundle, check=True)
    assert faults_of(bundle, "--no-run") == []


@pytest.mark.everything
def test_what_anybody_may_change_is_a_fault_that_its_hint_mends(bundle: Path) -> None:
    next(bundle.glob("lib/python3*/os.py")).chmod(0o666)
    (bundle / "lib").chmod(0o777)
    (fault,) = faults_of(bundle)
    assert fault["message"].startswith("anybody may write to lib, lib/python3")
    command = fault["hint"].replace("BUNDLE", str(bundle)).split()
    subprocess.run(command, check=True)
    assert faults_of(bundle, "--no-run") == []


@pytest.mark.everything
def test_what_is_another_user_s_is_a_fault_that_its_hint_mends(bundle: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file to another user")
    os.chown(next(bundle.glob("lib/python3*/os.py")), 12345, -1)
    (fault,) = faults_of(bundle)
    assert fault["kind"] == "permission" and "user 12345 owns lib/python3" in fault["message"]
    subprocess.run(fault["hint"].replace("BUNDLE", str(bundle)).split(), check=True)
    assert faults_of(bundle, "--no-run") == []
