"""Programs and libraries for glibc's own loader, what it says of them, and what `resolve` says."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from bundler.binaries.elf import Image, read_image
from bundler.platforms import X86_64
from bundler.systems.linux.glibc import directories, passed_on, resolve, system_libraries
from bundler.systems.linux.loader import Around, LoadedObject
from bundler.systems.linux.sysroot_libraries import SysrootLibraries
from tests.binaries.elf.programs import compile_c
from tests.material.programs import need

# A part of every glibc that nothing here loads by itself: so the host's cache has it, and copies of ours stand in its way.
WANTED = "libanl.so.1"
MACHINE = X86_64
TAGS = {
    "nothing": (),
    "DT_RPATH": ("-Wl,--disable-new-dtags",),
    "DT_RUNPATH": ("-Wl,--enable-new-dtags",),
}
NO_DEFAULT = "-Wl,-z,nodefaultlib"
LINKED = "-Wl,--no-as-needed"


def traced(program: Path, name: str = WANTED, cwd: Path | None = None, **environment: str) -> str | None:
    """Where the real loader finds `name` for the program, normalised; None where it does not."""
    done = subprocess.run(
        [str(program)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or "/",
        env={"LD_TRACE_LOADED_OBJECTS": "1", **environment},
    )
    return found_in(done.stdout + done.stderr, name)


def found_in(trace: str, name: str = WANTED) -> str | None:
    for line in trace.splitlines():
        match = re.fullmatch(r"\t(?P<name>.+?)(?: => (?P<found>.+?))?(?: \(0x[0-9a-f]+\))?", line)
        if match and os.path.basename(match["name"]) == os.path.basename(name):
            found = match["found"] or match["name"]
            return None if found == "not found" else normal(found)
    raise AssertionError(f"the loader says nothing of {name}:\n{trace}")


def normal(path: str) -> str:
    """The loader leaves dots as they are."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name) if ".." in folder else os.path.normpath(path)


def image_of(path: Path) -> Image:
    with open(path, "rb") as file:
        return read_image(file)


def loaded(path: Path) -> LoadedObject:
    return LoadedObject.from_image(str(path), image_of(path))


def resolved(*chain: Path, name: str = WANTED, library_path: Iterable[str] = ()) -> str | None:
    """Where `resolve` finds `name` for the first file, which the others loaded."""
    files, system = SysrootLibraries(image_of(chain[-1])), system_libraries(MACHINE)
    requester, *behind = (loaded(path) for path in chain)
    program = behind[-1] if behind else requester
    around = Around(
        tuple(folder for one in behind for folder in passed_on(one, files, system)),
        directories(tuple(library_path), program, files, system),
    )
    found = resolve(name, requester, around, files, system)
    return found.path if found else None


def library(out: Path, *flags: str, soname: str = "") -> Path:
    names = (f"-Wl,-soname,{soname}",) if soname else ()
    return compile_c("", out, "-shared", "-nostdlib", LINKED, *names, *flags)


def program(out: Path, *flags: str) -> Path:
    return compile_c("int main(void) { return 0; }", out, LINKED, *flags)


def search(tag: str, folder: Path | str) -> tuple[str, ...]:
    """Linker flags for a search path of one kind."""
    return (*TAGS[tag], f"-Wl,-rpath,{folder}") if TAGS[tag] else ()


def program_of_this_machine() -> Path:
    return Path(os.path.realpath(need("true")))
