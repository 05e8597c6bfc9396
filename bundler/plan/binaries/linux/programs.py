"""Programs and modules that do in a bundle less than they did, or something else, and that no patch can help: they are told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bundler.binaries.elf.machines import libc_of
from bundler.entries import Entry, Source
from bundler.environment import Environment
from bundler.machine import os
from bundler.permissions import has_capabilities
from bundler.plan.binaries.linux.patching import source_path
from bundler.plan.origins import ENVIRONMENT
from bundler.platforms import Libc
from bundler.rewrite.installers import is_makers_script
from bundler.systems.linux.capabilities import AMBIENT
from bundler.systems.linux.elf_files import ElfFile, names_symbol

# Start Python with its defaults. Programs that are a Python themselves (Py_BytesMain) hand on how they were called.
_STARTS_PYTHON = (b"Py_Initialize", b"Py_InitializeEx")
_IS_PYTHON = (b"Py_BytesMain", b"Py_Main")


def embedding_warnings(files: Iterable[ElfFile], entries: Mapping[str, Entry], executable: str) -> Iterator[str]:
    """A warning for each program that starts a Python inside of itself without a word on where that is (3.8 to 3.15, getpath).

    It knows neither its own place nor that of libpython: `python3` is looked for on PATH, and where none is there, the prefix that
    is compiled in counts (`compiled_in_prefix`).
    """
    for file in files:
        if not file.is_program or file.path == executable:
            continue
        place = source_path(entries[file.path])
        if names_symbol(place, file.image, _STARTS_PYTHON) and not names_symbol(place, file.image, _IS_PYTHON):
            yield (
                f"{file.path} starts a Python inside of itself: unless it says where that is (Py_SetPythonHome, PyConfig.home), "
                "it takes the python3 that is first on PATH, or finds none; "
                "start it with the bundle's bin first on PATH"
            )


def other_libc_warnings(files: Iterable[ElfFile], libc: Libc) -> Iterator[str]:
    """A warning where extension modules are built for another libc than the interpreter's."""
    others = [
        file for file in files if not file.is_program and not file.brought and libc_of(file.image) not in (libc, None)
    ]
    if others:
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        built = libc_of(others[0].image) or libc
        wheels = "musllinux" if libc is Libc.MUSL else "manylinux"
        yield (
            f"{others[0].path}{more} is built for {built.value}, and the interpreter for {libc.value}: it cannot be imported, or "
            f"not without a layer between the two (gcompat), which does not come along; a {wheels} wheel fits"
        )


def capability_warnings(entries: Mapping[str, Entry], environment: Environment) -> Iterator[str]:
    """A warning for each program that has file capabilities in the source."""
    programs = {
        entry.content.path: entry.origin
        for entry in entries.values()
        if entry.mode & 0o111 and isinstance(entry.content, Source)
    }
    scripts = os.path.join(environment.root, environment.scheme.scripts)
    for name in filter(
        is_makers_script, environment.sysroot.names_in(scripts)
    ):  # copies of the base's Python: they stay behind
        path = environment.sysroot.real(os.path.join(scripts, name))
        programs.setdefault(path, ENVIRONMENT + environment.scheme.script(name))
    for path, origin in programs.items():
        if has_capabilities(path):
            yield f"{origin} has file capabilities, with which no program would find its libraries in a bundle: {AMBIENT}"
