"""The programs of fixtures/elf linked by this machine's linkers, in any layout that these can make."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.binaries.elf.programs import compiler
from tests.material.elf_fixtures import RUNPATH, SMALL_ZEROS, SOURCES, Set, set_of

LINKERS = ("bfd", "gold", "lld", "mold")


@dataclass(frozen=True)
class Link:
    """How a program, or a library, is linked."""

    linker: str = "bfd"
    fixed: bool = False
    """ET_EXEC."""
    page: int = 4096
    """max-page-size in bytes."""
    separate_code: bool = True
    hash_style: str = "both"
    relr: bool = False
    """Packed relative relocations. gold has none, and older lld and mold do not ask for GLIBC_ABI_DT_RELR, as glibc wants."""
    now: bool = False
    old_tags: bool = False
    """DT_RPATH."""
    spare: bool = True
    """Room for more dynamic tags; lld never leaves any, and the others cannot be told but for bfd."""
    exported: bool = False
    symbols: bool = True

    def possible(self) -> bool:
        """Whether the linker knows these words."""
        if self.linker == "gold" and not self.separate_code:
            return False
        return self.linker == "bfd" or (self.spare and not self.relr)

    def flags(self) -> list[str]:
        """The compiler's."""
        words = [f"-fuse-ld={self.linker}", f"-Wl,--hash-style={self.hash_style}", f"-Wl,-z,max-page-size={self.page}"]
        choices = {
            "-Wl,-z,separate-code": self.separate_code and self.linker != "gold",
            "-Wl,-z,noseparate-code": not self.separate_code,
            "-Wl,-z,pack-relative-relocs": self.relr,
            "-Wl,-z,now": self.now,
            "-Wl,-z,lazy": not self.now,
            "-Wl,--disable-new-dtags": self.old_tags,
            "-Wl,--spare-dynamic-tags=0": not self.spare,
            "-rdynamic": self.exported,
            "-s": not self.symbols,
        }
        return words + [word for word, wanted in choices.items() if wanted]


def native() -> Set:
    """The set of this machine; skips where there is none."""
    if os.uname().machine != "x86_64":
        pytest.skip("programs are linked anew on x86-64 only")
    return set_of("x86_64")


@functools.cache
def program(link: Link) -> bytes:
    """The program, made once."""
    machine = native()
    kind = ["-no-pie"] if link.fixed else ["-pie"]
    libraries = [f"{machine.folder}/{name}" for name in ("libwhich.so", "libextra.so")]
    words = [*kind, *link.flags(), _object("program"), "-Wl,--no-as-needed", *libraries]
    return _made([*words, f"-Wl,-rpath,{RUNPATH}", f"-Wl,-rpath-link,{machine.folder}"])


@functools.cache
def library(link: Link) -> bytes:
    """libwhich.so, made once."""
    machine = native()
    words = ["-shared", *link.flags(), _object("which"), f"{machine.folder}/libinner.so"]
    names = ["-Wl,-soname,libwhich.so", "-Wl,-rpath,$ORIGIN/deep", f"-Wl,--version-script={SOURCES}/which.versions"]
    return _made([*words, *names])


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="linked-")


@functools.cache
def _object(name: str) -> str:
    """A compiled source. It can be moved, in ET_EXEC, too: otherwise weak symbols would seem to be there always."""
    out = f"{_folder().name}/{name}.o"
    source = f"{SOURCES}/{name}.c"
    _run(["-c", "-O2", "-fPIC", f"-DZEROS={SMALL_ZEROS}", source, "-o", out])
    return out


def _made(words: list[str]) -> bytes:
    out = Path(_folder().name) / "out"
    _run([*words, "-o", str(out)])
    return out.read_bytes()


def _run(words: list[str]) -> None:
    done = subprocess.run([*compiler(words), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
