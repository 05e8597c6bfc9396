"""The committed ELF files of fixtures/elf: what they are, for the script that builds them and for the tests that use them.

A set is a machine's libraries and programs, built by `scripts/build_fixtures` with zig (clang and lld). Each program prints one
line that is right only where every library, symbol version, constructor and thread variable is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parents[2] / "fixtures/elf"
SOURCES = FOLDER / "sources"
RUNPATH = "$ORIGIN/one"
"""The search path of a program as it was built."""
EXPECTED = "place {}, inner 43, tls 5, constructed, extra 3 4, zeros 0 7\n"
"""What a program prints; the word is of the folder in which it found libwhich.so (PLACES)."""
WITHOUT_EXTRA = EXPECTED.replace("extra 3 4", "extra 0 0")
SMALL_ZEROS, LARGE_ZEROS = 20480, 80 << 20
"""Bytes of .bss: what the patcher may store in the file, and more than it does."""


@dataclass(frozen=True)
class Set:
    """One machine's fixtures. `page` is the linker's max-page-size in bytes; `flags` are the linker's further ones."""

    name: str
    target: str
    """zig's name of machine, system and libc."""
    bits: int
    order: Literal["little", "big"]
    machine: int
    """e_machine."""
    page: int
    interpreter: str
    layouts: tuple[str, ...] = ("pie", "fixed", "large")
    flags: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def programs(self) -> list[Path]:
        """The paths of the programs, one a layout."""
        return [self.folder / layout for layout in self.layouts]

    def libraries(self) -> list[Path]:
        """The paths of the libraries."""
        return [self.folder / name for name in LIBRARIES]

    def __str__(self) -> str:
        return self.name


LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "libinner.so": (),
    "libwhich.so": ("-rpath", "$ORIGIN/deep", "--version-script", "which.versions"),
    "libextra.so": ("--version-script", "extra.versions"),
    "libadded.so": (),
}
"""The linker's flags of each; the source is the name without `lib` and `.so`."""


@dataclass(frozen=True)
class Layout:
    """How a program is linked."""

    fixed: bool = False
    """ET_EXEC."""
    flags: tuple[str, ...] = ()
    zeros: int = SMALL_ZEROS
    stripped: bool = True


LAYOUTS: Mapping[str, Layout] = {
    "pie": Layout(),
    "fixed": Layout(fixed=True),
    "large": Layout(zeros=LARGE_ZEROS),
    "separate": Layout(flags=("-z", "separate-loadable-segments")),
    "separate-code": Layout(fixed=True, flags=("-z", "separate-code")),
    "sysv": Layout(flags=("--hash-style=sysv",)),
    "gnu": Layout(flags=("--hash-style=gnu",)),
    "relr": Layout(flags=("-z", "pack-relative-relocs")),
    "rpath": Layout(flags=("--disable-new-dtags",)),
    "exported": Layout(flags=("--export-dynamic",)),
    "symbols": Layout(stripped=False),
    "pages-64k": Layout(flags=("-z", "max-page-size=65536")),
    "pages-2m": Layout(fixed=True, flags=("-z", "max-page-size=2097152")),
}
"""Every layout; `large` has more zeros than the patcher stores, `separate` has page slack."""

_SLACK = ("pie", "fixed", "large", "separate")

SETS: tuple[Set, ...] = (
    Set("x86_64", "x86_64-linux-gnu", 64, "little", 62, 4096, "/lib64/ld-linux-x86-64.so.2", tuple(LAYOUTS)),
    Set("i386", "x86-linux-gnu", 32, "little", 3, 4096, "/lib/ld-linux.so.2", _SLACK),
    Set("aarch64-4k", "aarch64-linux-gnu", 64, "little", 183, 4096, "/lib/ld-linux-aarch64.so.1", _SLACK),
    Set("aarch64-64k", "aarch64-linux-gnu", 64, "little", 183, 65536, "/lib/ld-linux-aarch64.so.1"),
    Set("armhf", "arm-linux-gnueabihf", 32, "little", 40, 4096, "/lib/ld-linux-armhf.so.3", _SLACK),
    Set("ppc64le", "powerpc64le-linux-gnu", 64, "little", 21, 65536, "/lib64/ld64.so.2"),
    Set("s390x", "s390x-linux-gnu", 64, "big", 22, 4096, "/lib/ld64.so.1", _SLACK),
    Set("riscv64", "riscv64-linux-gnu", 64, "little", 243, 4096, "/lib/ld-linux-riscv64-lp64d.so.1", _SLACK),
    Set("x32", "x86_64-linux-gnux32", 32, "little", 62, 4096, "/libx32/ld-linux-x32.so.2", _SLACK),
    Set("ppc64", "powerpc64-linux-musl", 64, "big", 21, 65536, "/lib/ld-musl-powerpc64.so.1"),
    Set("mips", "mips-linux-musleabihf", 32, "big", 8, 65536, "/lib/ld-musl-mips.so.1"),
    Set("loongarch64", "loongarch64-linux-gnu", 64, "little", 258, 65536, "/lib64/ld-linux-loongarch-lp64d.so.1"),
)


def set_of(name: str) -> Set:
    """The set with this name."""
    return next(each for each in SETS if each.name == name)


PLACES: Mapping[str, bytes] = {"one": b"one", "two/libs": b"two", "environment": b"env"}
"""Folders of libraries beside a program, and the word that those in it say."""


def lay_out(machine: Set, layout: str, where: Path) -> Path:
    """A copy of a program at `where`/app, with libraries in each of PLACES; it looks for them in `one`."""
    for folder, word in PLACES.items():
        (where / folder / "deep").mkdir(parents=True)
        for library in machine.libraries():
            inside = "deep/" if library.name == "libinner.so" else ""
            data = library.read_bytes()
            (where / folder / f"{inside}{library.name}").write_bytes(data.replace(b"place one", b"place " + word))
    shutil.copy(machine.folder / layout, where / "app")
    (where / "app").chmod(0o755)
    return where / "app"
