"""Builds fixtures/pe: compiled by zig (clang), linked by the lld-link inside it, without a C library."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.material.pe_fixtures import LIBRARIES, PROGRAM, SETS, SOURCES, Set

ZIG = [sys.executable, "-m", "ziglang"]


def run(command: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stderr}")


def build(machine: Set, work: Path) -> None:
    """Build a set, and put it into the tree when all of it was made."""
    work.mkdir(parents=True, exist_ok=True)
    flags = ["-Os", "-g0", "-ffreestanding", "-fno-sanitize=all", "-fno-stack-protector", "-fno-builtin"]
    for name in ("inner", "extra", "which", "program"):
        source = SOURCES / f"{name}.c"
        run([*ZIG, "cc", "-target", f"{machine.target}-windows-msvc", *flags, "-c", source, "-o", f"{name}.obj"], work)
    run([*ZIG, "rc", "/:no-preprocess", "/fo", "which.res", SOURCES / "which.rc"], work)
    exports = (SOURCES / "kernel32.def").read_text(encoding="ascii")
    if machine.bits == 64:  # names carry the size of their arguments on x86 alone
        exports = "\n".join(line.partition("@")[0] for line in exports.splitlines())
    (work / "kernel32.def").write_text(exports, encoding="ascii")
    dlltool = [*ZIG, "dlltool", "-m", machine.dlltool_machine, "-d", "kernel32.def", "-l", "kernel32.lib"]
    run([*dlltool, *(["-k"] if machine.bits == 32 else [])], work)
    link = [*ZIG, "lld-link", "/nologo", "/brepro", "/nodefaultlib", f"/machine:{machine.linker_machine}"]
    dll = [*link, "/dll", "/noentry"]
    run([*dll, "inner.obj", "/out:inner.dll", "/implib:inner.lib"], work)
    run([*dll, "/release", "extra.obj", "/out:extra.dll", "/implib:extra.lib"], work)
    forward = ["/export:forwarded=inner.inner", "/out:which.dll", "/implib:which.lib"]
    run([*dll, "/release", "which.obj", "which.res", "inner.lib", *forward], work)
    libraries = ["which.lib", "extra.lib", "kernel32.lib", "/delayload:extra.dll"]
    entry = ["/entry:start", "/subsystem:console", "/release", *(["/safeseh:no"] if machine.bits == 32 else [])]
    run([*link, *entry, "program.obj", *libraries, f"/out:{PROGRAM}"], work)
    machine.folder.mkdir(parents=True, exist_ok=True)
    for file in machine.files():
        file.write_bytes((work / file.name).read_bytes())


def main() -> None:
    work, *names = sys.argv[1:]
    for machine in SETS:
        if not names or machine.name in names:
            build(machine, Path(work) / machine.name)
            print(
                machine.name,
                len(LIBRARIES) + 1,
                "files,",
                sum(file.stat().st_size for file in machine.files()),
                "bytes",
            )


main()
