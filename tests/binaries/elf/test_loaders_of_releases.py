"""Programs that map the loaders of Debian's releases, and musl's, on x86-64 and aarch64, on pages of 4 and of 64 KiB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.binaries.elf import Edits
from tests.binaries.elf.patching import edit
from tests.material.debian import debian_packages
from tests.material.elf_fixtures import EXPECTED, lay_out, set_of
from tests.material.isolation import namespace
from tests.material.own_libc import ABOUT, start
from tests.material.programs import need

slow = pytest.mark.everything
RELEASES = [
    pytest.param("bullseye", marks=slow),
    "bookworm",
    pytest.param("trixie", marks=slow),
    pytest.param("sid", marks=slow),
]
MACHINES = [
    ("x86_64", "amd64", 4096), ("aarch64-4k", "arm64", 4096), ("aarch64-64k", "arm64", 4096), ("aarch64-64k", "arm64", 65536),
]  # fmt: skip


def emulator(machine: str, page: int = 4096) -> list[str]:
    """What stands before a program of a machine."""
    name = machine.partition("-")[0]
    return (
        []
        if name == os.uname().machine and page == os.sysconf("SC_PAGE_SIZE")
        else [need(f"qemu-{name}-static"), "-p", str(page)]
    )


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("machine", "debian", "page"), MACHINES)
def test_the_loader_of_a_release_starts_programs(
    release: str, machine: str, debian: str, page: int, tmp_path: Path
) -> None:
    packages = debian_packages(release, ("libc6",), debian, "libc6")
    libraries = packages / "usr/lib" / {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[debian]
    loader = os.path.basename(set_of(machine).interpreter)
    for layout in set_of(machine).layouts:
        if (release, layout) == ("bullseye", "relr"):
            continue  # glibc 2.31 knows no packed relocations
        app = lay_out(set_of(machine), layout, tmp_path / layout)
        (app.parent / "lib").mkdir()
        for name in (loader, "libc.so.6"):
            shutil.copy(libraries / name, app.parent / "lib")
        edit(app, Edits(own_loader=f"lib/{loader}", rpath="$ORIGIN/one:$ORIGIN/lib"))
        done = start([*emulator(machine, page), app])
        assert (done.stdout, done.stderr, done.returncode) == (EXPECTED.format("one"), "", 0), layout
        edit(app, Edits(finds_itself=True))
        done = start([*emulator(machine, page), app])
        assert (done.stdout, done.stderr, done.returncode) == (EXPECTED.format("one"), "", 0), (
            layout,
            "with a name stub",
        )


@pytest.mark.parametrize(
    ("name", "debian", "multiarch", "release"),
    [
        ("armhf", "armhf", "arm-linux-gnueabihf", "bookworm"),
        ("i386", "i386", "i386-linux-gnu", "bookworm"),
        pytest.param("riscv64", "riscv64", "riscv64-linux-gnu", "forky", marks=slow),
    ],
)
def test_the_loaders_of_further_machines_start_programs(
    name: str, debian: str, multiarch: str, release: str, tmp_path: Path
) -> None:
    packages = debian_packages(release, ("libc6",), debian, "libc6")
    machine = set_of(name)
    loader = os.path.basename(machine.interpreter)
    for layout in machine.layouts:
        app = lay_out(machine, layout, tmp_path / layout)
        for file in (loader, "libc.so.6"):
            shutil.copy(packages / "usr/lib" / multiarch / file, app.parent)
        qemu = emulator({"armhf": "arm"}.get(name, name))
        for edits in (Edits(own_loader=loader, rpath="$ORIGIN/one:$ORIGIN"), Edits(finds_itself=True)):
            edit(app, edits)
            done = start([*qemu, app])
            assert (done.stdout, done.stderr, done.returncode) == (EXPECTED.format("one"), "", 0), (layout, edits)
        (app.parent / loader).unlink()
        done = start([*qemu, app])
        assert (done.stderr, done.returncode) == (
            f"{app}: cannot start with its loader {app.parent}/{loader}: not there\n",
            127,
        )


@pytest.mark.parametrize("chosen", ["host", "own"])
@pytest.mark.parametrize(
    ("name", "debian", "page", "release"),
    [
        ("aarch64-4k", "arm64", 4096, (2, 36)),
        ("aarch64-64k", "arm64", 65536, (2, 36)),
        ("armhf", "armhf", 4096, (2, 36)),
        ("i386", "i386", 4096, (2, 36)),
        pytest.param("riscv64", "riscv64", 4096, (2, 42), marks=slow),
    ],
)
def test_programs_of_other_machines_choose(
    name: str, debian: str, page: int, release: tuple[int, int], chosen: str, tmp_path: Path
) -> None:
    """The libc of that loader which is not to be chosen is not there."""
    libraries = debian_packages("forky" if name == "riscv64" else "bookworm", ("libc6",), debian, "libc6")
    machine = set_of(name)
    loader = os.path.basename(machine.interpreter)
    app = lay_out(machine, "pie", tmp_path / "app")
    for place in ("host", "own"):
        (app.parent / place).mkdir()
        shutil.copy(next(libraries.glob(f"usr/lib/*/{loader}")), app.parent / place)
    shutil.copy(next(libraries.glob("usr/lib/*/libc.so.6")), app.parent / chosen)
    major, minor = release
    edits = Edits(
        interpreter=f"{app.parent}/host/{loader}",
        own_loader=f"own/{loader}",
        host_floor=release if chosen == "host" else (major, minor + 5),
        rpath="$ORIGIN/one:$ORIGIN/host",
        own_rpath="$ORIGIN/one:$ORIGIN/own",
    )
    for each in (edits, Edits(finds_itself=True)):
        edit(app, each)
        done = start([*emulator({"armhf": "arm"}.get(name, name), page), app])
        assert (done.stdout, done.stderr, done.returncode) == (EXPECTED.format("one"), "", 0), each


@pytest.mark.parametrize("size", [0, 100, 4096, 50_000])
def test_a_loader_that_is_cut_off_is_told(size: int, tmp_path: Path) -> None:
    app = lay_out(set_of("aarch64-64k"), "pie", tmp_path)
    loader = (
        debian_packages("bookworm", ("libc6",), "arm64", "libc6") / "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"
    )
    (tmp_path / "ld.so").write_bytes(loader.read_bytes()[:size])
    edit(app, Edits(own_loader="ld.so"))
    done = start([*emulator("aarch64-64k", 65536), app])
    assert (done.returncode, done.stderr) == (
        127,
        f"{app}: cannot start with its loader {tmp_path}/ld.so: no loader for this machine\n",
    )


@pytest.fixture(params=["x86_64", "aarch64"])
def musl(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A machine, and a folder with a program for musl, which maps the loader of Debian's package."""
    machine = request.param
    pytest.importorskip("ziglang", reason="needs ziglang, which compiles for musl (pip install ziglang)")
    folder = tmp_path / "app"
    for name in ("bin", "lib", "proc"):
        (folder / name).mkdir(parents=True)
    (tmp_path / "about.c").write_text(ABOUT)
    zig = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-target",
        f"{machine}-linux-musl",
        "-dynamic",
        "-Os",
        "-fno-sanitize=all",
    ]
    done = start(
        [*zig, tmp_path / "about.c", "-o", folder / "bin/about"],
        {**os.environ, "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "zig")},
    )
    assert done.returncode == 0, done.stderr
    debian = {"x86_64": "amd64", "aarch64": "arm64"}[machine]
    packages = debian_packages("bookworm", ("musl",), debian, "musl")
    shutil.copy(packages / f"usr/lib/{machine}-linux-musl/libc.so", folder / f"lib/ld-musl-{machine}.so.1")
    edit(folder / "bin/about", Edits(own_loader=f"../lib/ld-musl-{machine}.so.1"))
    return machine, folder


def test_musl_starts_programs(musl: tuple[str, Path]) -> None:
    machine, folder = musl
    done = start([*emulator(machine), folder / "bin/about", "word"])
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (42, "")
    assert lines[0] == f"exe {folder}/bin/about" and f"libc {folder}/bin/../lib/ld-musl-{machine}.so.1" in lines
    assert (
        lines[-1] == "word word"
        and "entry 1" in lines
        and "open 0" in lines
        and not [line for line in lines if "LD_" in line]
    )


def test_musl_starts_programs_by_hand_and_without_proc(musl: tuple[str, Path]) -> None:
    machine, folder = musl
    if machine != os.uname().machine:
        pytest.skip(f"needs a root with an emulator of {machine} in it; the other machine's test tells the same")
    chroot = shutil.which("chroot") or "/usr/sbin/chroot"
    for command in (["/bin/about"], [f"/lib/ld-musl-{machine}.so.1", "/bin/about"]):
        done = subprocess.run(
            [*namespace(), "env", "-i", "A=b", chroot, folder, *command], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (42, "")
        lines = done.stdout.splitlines()
        assert [line for line in lines if line.startswith("variable")] == ["variable A=b"]
        # The vector is found behind the variables: musl looks for it there once more.
        assert "entry 1" in lines or len(command) == 2
