"""The committed PE files of fixtures/pe: what they are, for the script that builds them and for the tests that use them.

A set is a machine's three libraries and a program, built by `scripts/build_fixtures` with zig (clang and lld). The program asks for
which.dll, which asks for inner.dll and forwards an export to it, and for extra.dll at the first call.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "fixtures/pe"
SOURCES = FOLDER / "sources"
EXPECTED = "right\n"
LIBRARIES = ("inner.dll", "extra.dll", "which.dll")
PROGRAM = "program.exe"


@dataclass(frozen=True)
class Set:
    """One machine's fixtures."""

    name: str
    target: str
    """zig's name of the machine."""
    linker_machine: str
    dlltool_machine: str
    machine: int
    """IMAGE_FILE_MACHINE_…"""
    bits: int

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def files(self) -> list[Path]:
        """The program, and the libraries."""
        return [self.folder / name for name in (PROGRAM, *LIBRARIES)]

    def __str__(self) -> str:
        return self.name


AMD64 = Set("amd64", "x86_64", "x64", "i386:x86-64", 0x8664, 64)
SETS = (
    AMD64,
    Set("x86", "x86", "x86", "i386", 0x14C, 32),
    Set("arm64", "aarch64", "arm64", "arm64", 0xAA64, 64),
)
