"""Programs and libraries for musl's loader, what it says of them, and what `resolve` says. Nothing is linked with any libc."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bundler.platforms import X86_64
from bundler.systems.linux.loader import Around
from bundler.systems.linux.musl import directories, directories_file, passed_on, resolve, system_libraries
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from tests.binaries.elf.programs import compile_c
from tests.material.musl import LOADER, musl_loader
from tests.systems.linux.real_loader import TAGS, image_of, loaded, normal

WANTED = "libwanted.so.1"
_ALONE = ("-nostdlib", "-nostartfiles", "-Wl,--no-as-needed,--allow-shlib-undefined")
_START = 'void _start(void) { __asm__("mov $60, %eax; xor %edi, %edi; syscall"); }'


@dataclass(frozen=True)
class Musl:
    """A loader in a place of its own, and programs that it starts."""

    folder: Path

    @property
    def loader(self) -> Path:
        return self.folder / "lib" / LOADER

    @property
    def directories_file(self) -> Path:
        """The file that names the directories which are searched last."""
        return Path(directories_file(str(self.loader)))

    def library(self, path: str, *needs: Path, soname: str = "", paths: Sequence[str] = (), text: str = "") -> Path:
        """A library at a path; search paths are linker flags."""
        named = (f"-Wl,-soname,{soname}",) if soname else ()
        return compile_c(text, self.folder / path, "-shared", *_ALONE, *named, *paths, *map(str, needs))

    def program(self, path: str, *needs: Path, paths: Sequence[str] = ()) -> Path:
        """A program that does nothing, and that this loader starts."""
        loader = f"-Wl,--dynamic-linker={self.loader}"
        return compile_c(_START, self.folder / path, *_ALONE, loader, *paths, *map(str, needs))

    def traced(self, program: Path, name: str = WANTED, library_path: str = "", cwd: Path | None = None) -> str | None:
        """Where the loader finds a name for a program, normalised; None where it does not."""
        done = subprocess.run(
            [self.loader, "--list", program],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or "/",
            env={"LD_LIBRARY_PATH": library_path} if library_path else {},
        )
        for line in done.stdout.splitlines():
            match = re.fullmatch(r"\t(?P<name>.+) => (?P<found>.+) \(0x[0-9a-f]+\)", line)
            if match and match["name"] == name:
                return normal(match["found"])
        assert f"Error loading shared library {name}: " in done.stderr, done.stdout + done.stderr
        return None

    def resolved(self, *chain: Path, name: str = WANTED, library_path: Iterable[str] = ()) -> str | None:
        """Where `resolve` finds `name` for the first file, which the others loaded."""
        program = image_of(chain[-1])
        files, system = SysrootLibraries(program), system_libraries(X86_64, program=program)
        requester, *behind = (loaded(path) for path in chain)
        around = Around(
            tuple(folder for one in behind for folder in passed_on(one, files, system)),
            directories(tuple(library_path), behind[-1] if behind else requester, files, system),
        )
        found = resolve(name, requester, around, files, system)
        return found.path if found else None


def musl_in(folder: Path) -> Musl:
    """The loader of Debian's package, put into a folder."""
    made = Musl(folder)
    made.loader.parent.mkdir(parents=True)
    shutil.copy(musl_loader(), made.loader)
    return made


def search(tag: str, folder: Path | str) -> tuple[str, ...]:
    """Linker flags for a search path of one kind."""
    return (*TAGS[tag], f"-Wl,-rpath,{folder}") if TAGS[tag] else ()


def put(wanted: Path, folder: Path, folders: Iterable[str]) -> None:
    """A library in these folders of a folder, and in no other of it."""
    for copy in folder.glob(f"*/{wanted.name}"):
        if copy != wanted:
            copy.unlink()
    for name in folders:
        (folder / name).mkdir(exist_ok=True)
        os.link(wanted, folder / name / wanted.name)
