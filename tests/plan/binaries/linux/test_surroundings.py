"""What an image from scratch gets of the system: a table of what the root of its environment has, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.entries import Directory, Entry, Layer, Literal, Source
from bundler.errors import BundlerError, OutputFailed
from bundler.plan.binaries.linux.surroundings import least_surroundings
from bundler.sysroot import Sysroot
from tests.material.elf_fixtures import FOLDER
from tests.plan.made_up import Machine

LOADER = "/lib64/ld-linux-x86-64.so.2"
DEBIAN = "usr/lib/x86_64-linux-gnu"
TIME_NS = 1_700_000_000_000_000_000


@dataclass
class Root:
    """A root directory for x86-64, and an interpreter that names the system's loader."""

    folder: Path

    def put(self, *paths: str) -> None:
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(path)

    def family(self, program: Path = FOLDER / "x86_64/pie") -> dict[str, Entry]:
        """The entries for an interpreter."""
        environment = Machine(self.folder, sysroot=Sysroot(str(self.folder))).environment
        content = Source(str(program), program.stat().st_size)
        executable = Entry("bin/python3.12", content, 0o755, TIME_NS, Layer.RUNTIME, "base:bin/python3.12")
        found = least_surroundings(executable, environment, own_libc=False)
        assert [entry.path for entry in found] == sorted({entry.path for entry in found})
        return {entry.path: entry for entry in found}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    made = Root(tmp_path / "root")
    made.put(LOADER[1:])
    return made


def files(family: dict[str, Entry]) -> set[str]:
    return {path for path, entry in family.items() if isinstance(entry.content, Source)}


@pytest.mark.parametrize(
    ("name", "comes"),
    [
        ("libc.so.6", True),
        ("libm.so.6", True),
        ("libmvec.so.1", True),
        ("libpthread.so.0", True),
        ("libresolv.so.2", True),
        ("libnss_files.so.2", True),
        ("libnss_dns.so.2", True),
        ("libnss_compat.so.2", False),  # asks for a configuration of its own
        ("libnss_systemd.so.2", False),
        ("libthread_db.so.1", False),  # the debuggers' part
        ("libBrokenLocale.so.1", False),
        ("libc.musl-x86_64.so.1", False),
        ("libm.so", False),  # a text for the linker
        ("ld-2.31.so", False),  # the loader stands where it is named
        ("libssl.so.3", False),  # no part of libc
        ("libcuda.so.1", False),
    ],
)
def test_of_the_default_folders_libc_s_family_comes_along(root: Root, name: str, comes: bool) -> None:
    root.put(f"{DEBIAN}/{name}")
    assert files(root.family()) == {LOADER[1:], *([f"{DEBIAN}/{name}"] if comes else [])}


def test_a_name_in_two_folders_comes_from_the_one_that_the_loader_looks_in_first(root: Root) -> None:
    root.put("usr/lib64/libc.so.6", f"{DEBIAN}/libc.so.6", "usr/lib/libm.so.6")
    assert files(root.family()) == {LOADER[1:], f"{DEBIAN}/libc.so.6", "usr/lib/libm.so.6"}


def test_a_link_becomes_the_file_that_it_leads_to_in_the_root(root: Root) -> None:
    root.put(f"{DEBIAN}/libc-2.31.so")
    (root.folder / DEBIAN / "libc.so.6").symlink_to(f"/{DEBIAN}/libc-2.31.so")
    (root.folder / LOADER[1:]).unlink()
    (root.folder / LOADER[1:]).symlink_to(f"/{DEBIAN}/libc-2.31.so")
    family = root.family()
    for path in (LOADER[1:], f"{DEBIAN}/libc.so.6"):
        assert family[path].content == Source(str(root.folder / DEBIAN / "libc-2.31.so"), len(f"{DEBIAN}/libc-2.31.so"))
        assert family[path].origin == f"host:/{path}"


def test_what_stands_around_is_made_and_everybody_may_write_below_tmp(root: Root) -> None:
    family = root.family()
    assert {path for path, entry in family.items() if isinstance(entry.content, Literal)} == {
        "etc/passwd",
        "etc/group",
        "etc/nsswitch.conf",
    }
    assert {path for path, entry in family.items() if isinstance(entry.content, Directory)} == {"etc", "lib64", "tmp"}
    assert (family["tmp"].mode, family["lib64"].mode, family["etc/passwd"].mode) == (0o1777, 0o755, 0o644)
    assert {entry.mtime_ns for entry in family.values()} == {TIME_NS}


def test_musl_is_nothing_but_its_loader(root: Root) -> None:
    root.put(
        "lib/ld-musl-powerpc64.so.1", "lib/libc.musl-powerpc64.so.1", "usr/lib/libresolv.so.2", "usr/lib/libm.so.6"
    )
    assert files(root.family(FOLDER / "ppc64/pie")) == {"lib/ld-musl-powerpc64.so.1"}


def test_a_loader_that_is_not_there_is_named(root: Root) -> None:
    (root.folder / LOADER[1:]).unlink()
    with pytest.raises(BundlerError, match=LOADER):
        root.family()


def test_an_interpreter_without_a_loader_needs_another_base(root: Root) -> None:
    with pytest.raises(OutputFailed, match="names no loader") as caught:
        root.family(FOLDER / "x86_64/libinner.so")
    assert "--base" in caught.value.hint


def test_a_loader_of_its_own_stands_where_the_system_s_is_looked_for(root: Root, tmp_path: Path) -> None:
    """Homebrew, nix: the bundle names the system's loader, and the image has this one in its place."""
    program = tmp_path / "python"
    own = b"/opt/brew/lib/ld.so"
    program.write_bytes((FOLDER / "x86_64/pie").read_bytes().replace(LOADER.encode(), own.ljust(len(LOADER), b"\0")))
    root.put("opt/brew/lib/ld.so", "opt/brew/lib/libc.so.6")
    family = root.family(program)
    assert family[LOADER[1:]].origin == "host:/opt/brew/lib/ld.so"
