"""Small programs for the machine's own compiler and linkers, in the layouts that differ for a patcher."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.material.programs import find, need

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int which(void);
int lib(void) { return 4; }          /* a symbol that is the tail of a path */
static char zeros[20480];
static __thread int counter = 5;
static int constructed;
__attribute__((constructor)) static void construct(void) { constructed = 1; }
int main(void) {
    char *heap = malloc(100000);
    int dirty = 0;
    if (!heap) return 1;
    memset(heap, 1, 100000);
    for (unsigned i = 0; i < sizeof zeros; i++) dirty |= zeros[i];
    zeros[sizeof zeros - 1] = 7;
    printf("%d %d %d %d %d\n", which(), counter, constructed, dirty, zeros[sizeof zeros - 1]);
    return 0;
}
"""
LIBRARY = """
__thread int tls = %(number)d;
static int filler[3000];
int which(void) { filler[tls]++; return tls + filler[2999]; }
"""
VERSIONS = "VERS_1 { global: which; local: *; };\n"
EXPECTED = "{} 5 1 0 7\n"

PATHS = "-Wl,-rpath,$ORIGIN/one"
LAYOUTS: Mapping[str, tuple[str, ...]] = {
    "pie": ("-pie", "-fPIE"),
    "fixed": ("-no-pie", "-fno-pie"),
    "rpath": ("-pie", "-fPIE", "-Wl,--disable-new-dtags"),
    "exported": ("-pie", "-fPIE", "-rdynamic"),
    "large pages": ("-pie", "-fPIE", "-Wl,-z,max-page-size=0x200000"),
    "packed": ("-pie", "-fPIE", "-Wl,-z,noseparate-code"),
    "packed and fixed": ("-no-pie", "-fno-pie", "-Wl,-z,noseparate-code"),
    "no spare tags": ("-pie", "-fPIE", "-Wl,--spare-dynamic-tags=0"),
    "sysv hash": ("-pie", "-fPIE", "-Wl,--hash-style=sysv"),
    "now": ("-pie", "-fPIE", "-Wl,-z,now", "-Wl,-z,relro"),
    "gold": ("-pie", "-fPIE", "-fuse-ld=gold"),
    "gold fixed": ("-no-pie", "-fno-pie", "-fuse-ld=gold"),
    "lld": ("-pie", "-fPIE", "-fuse-ld=lld"),
    "lld fixed": ("-no-pie", "-fno-pie", "-fuse-ld=lld"),
    "mold": ("-pie", "-fPIE", "-fuse-ld=mold"),
    "mold fixed": ("-no-pie", "-fno-pie", "-fuse-ld=mold"),
    "packed relocations": ("-pie", "-fPIE", "-Wl,-z,pack-relative-relocs"),
    "64k pages": ("-pie", "-fPIE", "-Wl,-z,max-page-size=0x10000"),
}


@functools.cache
def _ziglangs_lld() -> tempfile.TemporaryDirectory[str] | None:
    """A folder with ziglang's lld as `ld.lld`; None where ziglang is not installed."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    folder = tempfile.TemporaryDirectory(prefix="lld-")
    program = Path(folder.name) / "ld.lld"
    program.write_text(f"#!/bin/sh\nexec '{Path(spec.origin).with_name('zig')}' ld.lld \"$@\"\n")
    program.chmod(0o755)
    return folder


def compiler(flags: Sequence[str]) -> list[str]:
    """The command of gcc for these flags, among them perhaps one for a linker; ziglang's lld serves where the system has none.

    Skips where one of them is missing.
    """
    command = [need("gcc")]
    for flag in flags:
        if flag.startswith("-fuse-ld="):
            linker = f"ld.{flag.removeprefix('-fuse-ld=')}"
            found = find(linker)
            if found is None and linker == "ld.lld" and (folder := _ziglangs_lld()) is not None:
                command.append(f"-B{folder.name}")
            elif found is None:
                need(linker)
    return command


def compile_c(source: str, out: Path, *flags: str) -> Path:
    """Compile C text; skips where the compiler or the linker asked for is missing."""
    gcc = compiler(flags)
    out.parent.mkdir(parents=True, exist_ok=True)
    text = out.with_name(out.name + ".c")
    text.write_text(source)
    # Libraries come last: linkers with --as-needed drop those that stand before the source.
    first = [flag for flag in flags if flag.startswith("-")]
    last = [flag for flag in flags if not flag.startswith("-")]
    done = subprocess.run([*gcc, *first, str(text), *last, "-o", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def make_library(out: Path, number: int, *flags: str) -> Path:
    """A shared library whose function `which` gives `number`."""
    return compile_c(LIBRARY % {"number": number}, out, "-shared", "-fPIC", *flags)


def make_program(directory: Path, *flags: str) -> Path:
    """`app`, which prints the number of the `libwhich.so` that it found; those in `one` and `two/libs` give 1 and 2."""
    soname = "-Wl,-soname,libwhich.so"
    script = directory / "versions"
    script.write_text(VERSIONS)
    versions = f"-Wl,--version-script={script}"
    first = make_library(directory / "one/libwhich.so", 1, soname, versions)
    make_library(directory / "two/libs/libwhich.so", 2, soname, versions)
    return compile_c(PROGRAM, directory / "app", PATHS, *flags, str(first))


def run(program: Path, **environment: str) -> str:
    """What the program prints; the exit status and its messages where it fails."""
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, env=environment)
    return done.stdout if done.returncode == 0 else f"exit status {done.returncode}: {done.stderr}"
