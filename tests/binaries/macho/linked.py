"""Mach-O files that LLVM's linker makes on any machine, and LLVM's tools as other readers and writers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.material.programs import need

INNER = ".globl _inner\n_inner:\n  ret\n.subsections_via_symbols\n"
OUTER = ".globl _outer\n_outer:\n  ret\n.data\n.p2align 3\n.globl _ptr\n_ptr: .quad _inner\n.subsections_via_symbols\n"
MAIN = ".globl _main\n_main:\n  ret\n.data\n.p2align 3\n_ptr: .quad _outer\n.subsections_via_symbols\n"


def run(command: Sequence[str | Path]) -> str:
    """Run a tool that must succeed; what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def link(
    where: Path, name: str, source: str, architecture: str, options: Sequence[str | Path], *, kind: str = "-dylib"
) -> Path:
    """A file made of assembly: `kind` is -dylib, -bundle or -execute."""
    where.mkdir(parents=True, exist_ok=True)
    (where / f"{name}.s").write_text(source)
    triple = f"-triple={architecture}-apple-macos11"
    run([need("llvm-mc"), triple, "-filetype=obj", where / f"{name}.s", "-o", where / f"{name}.o"])
    command = [need("ld64.lld"), "-arch", architecture, "-platform_version", "macos", "11.0", "11.0", kind]
    run([*command, where / f"{name}.o", "-adhoc_codesign", *options, "-o", where / name])
    return where / name


def link_all(where: Path, architecture: str, *options: str) -> dict[str, Path]:
    """libinner, libouter (needs libinner by @rpath, has an absolute rpath) and a program that needs libouter."""
    inner = link(where, "libinner.dylib", INNER, architecture, ["-install_name", "@rpath/libinner.dylib", *options])
    outer = link(
        where,
        "libouter.dylib",
        OUTER,
        architecture,
        ["-install_name", "/opt/lib/libouter.dylib", "-rpath", "/opt/lib", inner, *options],
    )
    program = link(where, "program", MAIN, architecture, ["-e", "_main", outer, *options], kind="-execute")
    return {"libinner": inner, "libouter": outer, "program": program}


def install_name_tool(path: Path, *arguments: str) -> None:
    """Change a file by LLVM's tool."""
    run([need("llvm-install-name-tool"), *arguments, path])
