"""The entry stubs, name stubs and launchers, built from source: for `scripts/build_stubs`, and to hold what is committed to it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bundler.binaries.elf import stubs

_ROOT = Path(__file__).parents[2]
SOURCES = _ROOT / "scripts" / "stubs"
COMPILER = "0.17.1"
"""The version of ziglang of which the bytes are the same everywhere."""
_ZIG = (sys.executable, "-m", "ziglang")
_FLAGS = (
    "-std=c17", "-Oz", "-g0", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fno-builtin", "-fPIE", "-fvisibility=hidden",
    "-fno-stack-protector", "-fno-sanitize=all", "-fno-jump-tables", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",
    "-fomit-frame-pointer", "-fno-vectorize", "-fno-slp-vectorize", "-mllvm", "-disable-lsr",
)  # fmt: skip
MACHINES: Mapping[str, Sequence[str]] = {
    "x86_64": (),
    "aarch64": ("-mcmodel=tiny", "-mgeneral-regs-only"),
    "riscv64": ("-mno-relax",),
    "arm": (),
    "x86": ("-mstack-alignment=4", "-march=i386"),
}
"""Flags of each machine. aarch64: no addresses in steps of 4 KiB, which would not be position-independent within a page.
riscv64: none that count from a register which the program sets later. x86: nothing for which a stack is aligned to 16 bytes."""
_INSTRUCTIONS = {"arm": "thumb"}
"""Where code in C has other instructions than the entry, by its target."""


LAUNCHERS = ("x86_64", "aarch64")
"""The machines for which there is a launcher."""
STUBS: Mapping[str, tuple[str, Sequence[str]]] = {
    **{name: (name, ()) for name in MACHINES},
    **{f"{name}-auto": (name, ("-DCHOOSES",)) for name in MACHINES},
}
"""The machine and the further flags of each stub."""


def build(name: str) -> bytes:
    """The stub of the name `name`, from its source."""
    machine, flags = STUBS[name]
    return _build("entry", machine, machine, flags)


def build_name(name: str) -> bytes:
    """The name stub for the machine `name`, from its source: the same start with another magic number."""
    return stubs.NAME_MAGIC + _build("name", name, name)[len(stubs.NAME_MAGIC) :]


def build_launcher(name: str) -> bytes:
    """The launcher for the machine `name`, from its source."""
    return _build("launcher", f"launcher_{name}", name)


def _build(source: str, start: str, name: str, flags: Sequence[str] = ()) -> bytes:
    """The bytes that a source in C and one in assembly, in front of it, make for the machine `name`."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for file in (f"{source}.c", "layout.ld", f"{start}.S"):
            shutil.copy(SOURCES / file, work)
        shutil.copy(SOURCES / f"{name}.h", work / "machine.h")
        compiler = [*_ZIG, "cc", "-c", "-target"]
        code = [f"{_INSTRUCTIONS.get(name, name)}-linux-none", *_FLAGS, *MACHINES[name], *flags]
        _run([*compiler, *code, f"{source}.c", "-o", "code.o"], work)
        _run([*compiler, f"{name}-linux-none", "-g0", f"{start}.S", "-o", "start.o"], work)
        _run([*_ZIG, "ld.lld", "-T", "layout.ld", "--oformat", "binary", "-o", "built", "start.o", "code.o"], work)
        return (work / "built").read_bytes()


def _run(command: Sequence[str], folder: Path) -> None:
    cache = {name: str(_ROOT / ".work" / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **cache})


def need_compiler() -> None:
    """Skip where the compiler is not the one whose bytes are known."""
    try:
        version = importlib.metadata.version("ziglang")
    except importlib.metadata.PackageNotFoundError:
        version = "none"
    if version != COMPILER:
        pytest.skip(f"needs ziglang {COMPILER}, of which the bytes are known; there is {version} (pip install)")


def digests_that_fit(folder: Path) -> set[str]:
    """The names in a folder's SHA256SUMS, whose files have those digests."""
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text(encoding="ascii").splitlines()]
    return {name for digest, name in lines if hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest}
