"""Builds fixtures/elf: compiled by zig (clang), linked by the lld inside it with flags that `zig cc` does not pass on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.material.elf_fixtures import LAYOUTS, LIBRARIES, RUNPATH, SETS, SOURCES, Set

ZIG = [sys.executable, "-m", "ziglang"]
UNWANTED = {"-znow", "-s", "--build-id=none"}
"""What zig passes to lld and a fixture decides for itself."""


def run(command: Sequence[str | Path], folder: Path) -> str:
    """Standard error of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stderr}")
    return done.stderr


def link(machine: Set, work: Path, name: str, compiler: Sequence[str], flags: Sequence[str], stripped: bool) -> None:
    """Let zig compile and link, then link once more, as zig did, with `flags` of our own."""
    said = run([*ZIG, "cc", "-v", "-target", machine.target, "-Os", "-g0", *compiler, "-o", name], work)
    # The last line is ours; those before it link zig's stand-ins for libc. No path in it has a space.
    line = [line for line in said.splitlines() if line.startswith("ld.lld ")][-1]
    words = [word for word in line.split() if word not in UNWANTED]
    common = ["-z", f"max-page-size={machine.page}", "--build-id=none", *machine.flags, *(["-s"] if stripped else [])]
    run([*ZIG, *words, *common, *flags], work)


def build(machine: Set, work: Path) -> None:
    """Build a set, and put it into the tree when all of it was made."""
    work.mkdir(parents=True, exist_ok=True)
    for name, flags in LIBRARIES.items():
        source = SOURCES / f"{name.removeprefix('lib').removesuffix('.so')}.c"
        needs = ["libinner.so"] if name == "libwhich.so" else []
        own = [str(SOURCES / flag) if flag.endswith(".versions") else flag for flag in flags]
        link(machine, work, name, ["-shared", "-fPIC", str(source), *needs], [f"-soname={name}", *own], True)
    for name in machine.layouts:
        layout = LAYOUTS[name]
        kind = ["-no-pie", "-fno-pie"] if layout.fixed else ["-pie", "-fPIE"]
        words = [*kind, f"-DZEROS={layout.zeros}", str(SOURCES / "program.c"), "libwhich.so"]
        # lld does not take a library for needed of which only weak symbols are asked for.
        extra = ["--no-as-needed", "libextra.so"]
        link(machine, work, name, words, ["-rpath", RUNPATH, *layout.flags, *extra], layout.stripped)
    machine.folder.mkdir(parents=True, exist_ok=True)
    for file in [*machine.libraries(), *machine.programs()]:
        file.write_bytes((work / file.name).read_bytes())
        file.chmod(0o755)


def main() -> None:
    work, *names = sys.argv[1:]
    for machine in SETS:
        if not names or machine.name in names:
            build(machine, Path(work) / machine.name)
            print(machine.name, sum(file.stat().st_size for file in machine.folder.iterdir()), "bytes")


main()
