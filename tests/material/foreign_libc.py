"""The C library of another machine, and programs that run with it under qemu-user; without root or changes to this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.material.debian import debian_packages
from tests.material.kept import locked, made_once
from tests.material.programs import need


@dataclass(frozen=True)
class Libc:
    """Where a machine's libc comes from: a release of Debian, its name for the machine, and qemu's name for it."""

    debian: str
    qemu: str
    suite: str = "bookworm"


LIBCS: Mapping[str, Libc] = {
    "x86_64": Libc("amd64", "x86_64"),
    "i386": Libc("i386", "i386"),
    "aarch64-4k": Libc("arm64", "aarch64"),
    "aarch64-64k": Libc("arm64", "aarch64"),
    "armhf": Libc("armhf", "arm"),
    "ppc64le": Libc("ppc64el", "ppc64le"),
    "s390x": Libc("s390x", "s390x"),
    # Not a machine of bookworm's; and the index of trixie for it did not match its checksum when this was written.
    "riscv64": Libc("riscv64", "riscv64", "forky"),
}
"""By the name of a set of fixtures (elf_fixtures)."""


@dataclass(frozen=True)
class Machine:
    """How programs of a machine are run here."""

    command: tuple[str, ...]
    """What stands before the program; nothing for this machine's own."""

    def run(self, program: Path, **environment: str) -> str:
        """What the program prints; its exit status and messages where it fails. `environment` is all that it has."""
        pairs = environment.items() if self.command else ()
        variables = [word for key, value in pairs for word in ("-E", f"{key}={value}")]
        done = subprocess.run(
            [*self.command, *variables, str(program)],
            capture_output=True, text=True, check=False, env={} if self.command else environment, timeout=60,
        )  # fmt: skip
        return done.stdout if done.returncode == 0 else f"exit status {done.returncode}: {done.stderr}"


def emulated(name: str) -> Machine:
    """The machine under qemu, with Debian's libc; skips where one of them cannot be had."""
    libc = LIBCS[name]
    qemu = need(f"qemu-{libc.qemu}-static")
    packages = debian_packages(libc.suite, ("libc6", "libgcc-s1"), libc.debian, "libc")

    def link_libraries(root: Path) -> None:
        for file in packages.glob("usr/lib*/*"):
            link = root / file.relative_to(packages / "usr")
            link.parent.mkdir(exist_ok=True)
            # ppc64el's loader is an absolute link, which qemu would look for on this machine.
            inside = str(file.readlink()) if file.is_symlink() else ""
            below = inside if inside.startswith("/") else f"/{link.parent.name}/{file.name}"
            link.symlink_to(f"../../{packages.name}/usr{below}")

    with locked(f"{packages.parent.name}-view"):
        root = made_once(packages.parent / "view", link_libraries)
    return Machine((qemu, "-L", str(root)))


def machine_of(name: str) -> Machine:
    """This machine itself for its own programs, else an emulated one."""
    return Machine(()) if name == os.uname().machine else emulated(name)
