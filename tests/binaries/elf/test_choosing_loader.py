"""Programs that take the host's loader where it is glibc's and new enough, and else their own: what they choose, and why not."""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bundler.audit.readers.comparison import asked_of, disagreements, unasked
from bundler.binaries.elf import Edits, plan_patch, read_image
from bundler.errors import CannotPatch, UnwritableString
from tests.binaries.elf.patching import edit, image_of
from tests.material.debian import debian_packages
from tests.material.isolation import namespace
from tests.material.own_libc import ABOUT, RPATH, compile_program, libraries_of, start

LIBC = "../lib/libc"
KINDS = {
    "pie": ("-pie", "-fPIE"),
    "fixed": ("-no-pie", "-fno-pie"),
    "packed": ("-pie", "-fPIE", "-Wl,-z,noseparate-code"),
    "lld": ("-pie", "-fPIE", "-fuse-ld=lld"),
}


def release() -> tuple[int, int]:
    """The glibc of this machine."""
    name, version = platform.libc_ver()
    if name != "glibc":
        pytest.skip("needs a machine with glibc")
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def choosing(folder: Path, floor: tuple[int, int], *flags: str) -> Path:
    """A program `bin/about` that chooses, beside its libc in `lib/libc`; the host's loader is a copy that the test may change."""
    program = compile_program(ABOUT, folder / "bin/about", *flags)
    libraries = libraries_of(program)
    (folder / "lib/libc").mkdir(parents=True)
    (folder / "host").mkdir()
    for name, path in libraries.items():
        shutil.copy(path, folder / "lib/libc" / name)
    loader = next(name for name in libraries if name.startswith("ld"))
    shutil.copy(libraries[loader], folder / "host/ld-host.so")
    edit(
        program,
        Edits(
            interpreter=f"{folder}/host/ld-host.so",
            own_loader=f"{LIBC}/{loader}",
            host_floor=floor,
            rpath=RPATH,
            own_rpath=f"{RPATH}:$ORIGIN/{LIBC}",
        ),
    )
    return program


@pytest.fixture(scope="module", params=KINDS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return choosing(tmp_path_factory.mktemp("choosing"), release(), *KINDS[request.param])


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A program whose host may be changed."""
    return choosing(tmp_path / "app", release(), *KINDS["pie"])


def libc_of(program: Path) -> str:
    """Whose libc a program has: `own` or `host`; all else of it is as it should be."""
    done = start([program, "a word"], {"LANG": "C"})
    assert (done.returncode, done.stderr) == (42, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"exe {program}" and lines[3:6] == ["thread 6 5", "constructed 1", "interpreter 1"]
    assert lines[6:] == ["entry 1", "open 0", "variable LANG=C", "word a word"]
    path = lines[2].removeprefix("libc ")
    return (
        "own" if path == f"{program.parent}/{LIBC}/libc.so.6" else "host" if str(program.parent) not in path else path
    )


def test_takes_the_host_s_where_it_is_new_enough(program: Path) -> None:
    assert libc_of(program) == "host"


def test_takes_its_own_where_the_host_s_is_older(program: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(program.parents[1], tmp_path / "app"))
    major, minor = release()
    edit(folder / "bin/about", Edits(host_floor=(major, minor + 1)))
    assert libc_of(folder / "bin/about") == "own"
    edit(folder / "bin/about", Edits(host_floor=(2, 17)))
    assert libc_of(folder / "bin/about") == "host"


def bad_hosts(good: bytes) -> dict[str, bytes | None]:
    """What may lie where the host's loader should: by what is wrong with it."""
    return {
        "nothing": None,
        "an empty file": b"",
        "a script": b"#!/bin/sh\nexit 0\n" * 20,
        "a header alone": good[:64],
        "cut off within its headers": good[:200],
        "cut off in the middle": good[: len(good) // 2],
        "cut off in its last segment": good[: len(good) * 4 // 5],
        "of another class": good.replace(b"\x7fELF\x02", b"\x7fELF\x01", 1),
        "of another machine": good[:18] + b"\xf7\0" + good[20:],
        "of no release": good.replace(b"release version 2.", b"release version 1."),
        "of a release without a number": good.replace(b"release version 2.", b"release version 2x"),
    }


WRONG = tuple(bad_hosts(b""))


@pytest.mark.parametrize("wrong", WRONG)
def test_takes_its_own_where_the_host_s_is_none(one: Path, wrong: str) -> None:
    host = one.parents[1] / "host/ld-host.so"
    data = bad_hosts(host.read_bytes())[wrong]
    host.unlink()
    if data is not None:
        host.write_bytes(data)
    assert libc_of(one) == "own"


def test_takes_its_own_where_a_folder_or_a_circle_of_links_is_the_host_s(one: Path) -> None:
    host = one.parents[1] / "host/ld-host.so"
    host.unlink()
    host.mkdir()
    assert libc_of(one) == "own"
    host.rmdir()
    host.symlink_to("ld-host.so")
    assert libc_of(one) == "own"


def test_takes_the_host_s_through_links(one: Path) -> None:
    host = one.parents[1] / "host/ld-host.so"
    host.rename(host.with_name("real"))
    host.symlink_to("link")
    host.with_name("link").symlink_to(host.with_name("real"))
    assert libc_of(one) == "host"


@pytest.mark.parametrize("release_of_debian", ["bullseye", pytest.param("trixie", marks=pytest.mark.everything)])
def test_knows_the_loaders_of_other_releases(one: Path, release_of_debian: str) -> None:
    """The host's libc is this machine's here, so nothing but the choice is asked: a loader beside another libc starts nothing."""
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86-64, whose loaders of Debian are taken")
    packages = debian_packages(release_of_debian, ("libc6",), "amd64", "libc6")
    shutil.copy(packages / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", one.parents[1] / "host/ld-host.so")
    numbers = {"bullseye": 31, "trixie": 41}[release_of_debian]
    edit(one, Edits(host_floor=(2, numbers + 1)))
    assert libc_of(one) == "own"
    edit(one, Edits(host_floor=(2, numbers)))
    said = start([one], {"LD_DEBUG": "files"}).stderr
    assert ("/lib/libc/" not in said) == (numbers > 32)  # older ones do not tell


def test_takes_its_own_where_the_host_is_musl(one: Path) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("needs x86-64, whose musl of Debian is taken")
    packages = debian_packages("bookworm", ["musl"], "amd64", "musl")
    shutil.copy(packages / "usr/lib/x86_64-linux-musl/libc.so", one.parents[1] / "host/ld-host.so")
    assert libc_of(one) == "own"


def test_a_loader_that_is_told_to_start_it_uses_the_host_s_libc(one: Path) -> None:
    done = start([one.parents[1] / "host/ld-host.so", one])
    assert done.returncode == 42 and str(one.parents[1]) not in done.stdout.split("libc ")[1].splitlines()[0]


@pytest.mark.parametrize("host", [True, False])
def test_chooses_without_proc_and_leaves_no_variable(one: Path, host: bool, tmp_path: Path) -> None:
    """In a root that holds the program and, where it is to be chosen, a loader and a libc of its own."""
    root = tmp_path / "root"
    shutil.copytree(one.parents[1], root / "app")
    edit(root / "app/bin/about", Edits(interpreter="/lib/ld-host.so"))
    (root / "lib").mkdir()
    if host:
        for path in (root / "app/lib/libc").iterdir():
            shutil.copy(path, root / "lib")
        shutil.copy(root / "app/host/ld-host.so", root / "lib/ld-host.so")
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    command = [*namespace(), "env", "-i", chroot, str(root), "/app/bin/about"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (42, "")
    libc = next(line for line in done.stdout.splitlines() if line.startswith("libc "))
    assert libc.endswith("/app/bin/../lib/libc/libc.so.6") is not host
    assert "variable" not in done.stdout and "entry 1" in done.stdout


def test_two_readers_agree_on_what_was_asked_for(program: Path) -> None:
    data = program.read_bytes()
    file = io.BytesIO(data)
    assert disagreements(read_image(file), file) == ()
    for edits in (
        Edits(host_floor=(2, 99)),
        Edits(own_rpath="$ORIGIN/else:" + "x" * 3000),
        Edits(own_loader=None),
        Edits(host_floor=None),
        Edits(added=["libm.so.6"], soname="libabout.so"),
    ):
        plan = plan_patch(file, read_image(file), edits)
        assert plan is not None
        new = plan.patch.apply(data)
        assert unasked(io.BytesIO(data), io.BytesIO(new), asked_of(edits)) == ()
        assert plan_patch(io.BytesIO(new), read_image(io.BytesIO(new)), edits) is None
        assert disagreements(read_image(io.BytesIO(new)), io.BytesIO(new)) == ()
        none = replace(asked_of(edits), host_floor=False, own_rpath=False, own_loader=False, added=(), name=False)
        assert unasked(io.BytesIO(data), io.BytesIO(new), none) != ()


def test_the_host_s_loader_is_given_back_with_its_search_path(program: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(program, tmp_path))
    assert (image_of(copy).host_floor, image_of(copy).own_rpath) == (release(), f"{RPATH}:$ORIGIN/{LIBC}")
    edit(copy, Edits(own_loader=None))
    image = image_of(copy)
    assert (image.own_loader, image.host_floor, image.own_rpath, image.rpath) == (None, None, None, RPATH)


def test_what_cannot_choose_is_refused(tmp_path: Path) -> None:
    plain = compile_program(ABOUT, tmp_path / "plain", *KINDS["pie"])
    with pytest.raises(CannotPatch, match="no loader of its own"):
        edit(plain, Edits(host_floor=(2, 36)))
    for wrong in ((1, 1), (2, 0), (2, 1 << 16), (3, 1)):
        with pytest.raises(UnwritableString, match="no release of glibc"):
            edit(plain, Edits(own_loader="../lib/ld.so", host_floor=wrong))
    fixed = compile_program(ABOUT, tmp_path / "fixed", *KINDS["lld"], "-Wl,-z,rodynamic")
    # Its entry takes the place of the one that goes: with one more, all would move to a segment that may be written to.
    edits = Edits(own_loader="../lib/ld.so", host_floor=(2, 36), own_rpath="$ORIGIN", rpath=None)
    with pytest.raises(CannotPatch, match="rodynamic"):
        edit(fixed, edits)
    edit(fixed, replace(edits, own_rpath=None))


def test_the_command_lets_a_program_choose(one: Path) -> None:
    from tests.cli.patched_program import bundler

    edit(one, Edits(own_loader=None))
    loader = next(path.name for path in (one.parents[1] / "lib/libc").iterdir() if path.name.startswith("ld"))
    major, minor = release()
    words = ["--own-loader", f"{LIBC}/{loader}", "--own-rpath", f"$ORIGIN/{LIBC}"]
    assert bundler(*words, "--host-from", f"{major}.{minor + 1}", one).returncode == 0
    assert libc_of(one) == "own"
    assert bundler("--host-from", f"{major}.{minor}", one).returncode == 0
    assert libc_of(one) == "host"
    assert bundler("--host-from", "new", one).returncode == 1
    assert bundler("--host-from", "2.36", "--host-loader", one).returncode == 2
    assert bundler("--host-loader", one).returncode == 0
    assert image_of(one).own_rpath is None
