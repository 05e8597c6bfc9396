"""Builds fixtures/windows: stand-ins for files of Windows that no package index has, with zig and without a C library.

`venvlauncher.exe` and `venvwlauncher.exe` are what `venv` puts into an environment as python.exe and pythonw.exe;
`bcryptprimitives.dll` is a library of Windows that Wine 8 lacks and that modules written in Rust import.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "fixtures/windows"
ZIG = [sys.executable, "-m", "ziglang"]
FLAGS = ["-Os", "-g0", "-ffreestanding", "-fno-sanitize=all", "-fno-stack-protector", "-fno-builtin"]
LINK = [*ZIG, "lld-link", "/nologo", "/brepro", "/nodefaultlib", "/machine:x64", "/release"]


def run(command: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stderr}")


def compile_(source: str, target: str, work: Path, *options: str) -> None:
    flags = ["-target", "x86_64-windows-msvc", *FLAGS, *options]
    run([*ZIG, "cc", *flags, "-c", FOLDER / source, "-o", target], work)


def main() -> None:
    work = Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    for name in ("kernel32", "advapi32"):
        run([*ZIG, "dlltool", "-m", "i386:x86-64", "-d", FOLDER / f"{name}.def", "-l", f"{name}.lib"], work)
    compile_("bcryptprimitives.c", "bcryptprimitives.obj", work)
    files = ["bcryptprimitives.dll"]
    run([*LINK, "/dll", "/noentry", "bcryptprimitives.obj", "advapi32.lib", f"/out:{files[0]}"], work)
    for name, program, system in (
        ("venvlauncher", "python.exe", "console"),
        ("venvwlauncher", "pythonw.exe", "windows"),
    ):
        compile_("redirector.c", f"{name}.obj", work, f'-DPROGRAM=L"{program}"')
        files.append(f"{name}.exe")
        run([*LINK, "/entry:start", f"/subsystem:{system}", f"{name}.obj", "kernel32.lib", f"/out:{files[-1]}"], work)
    for file in files:
        (FOLDER / file).write_bytes((work / file).read_bytes())
    print("windows", len(files), "files,", sum((FOLDER / file).stat().st_size for file in files), "bytes")


main()
