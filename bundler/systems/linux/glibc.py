"""glibc's search for a library (elf/dl-load.c, _dl_map_new_object; ld.so(8)), without running anything.

Copies for newer processors (`glibc-hwcaps/`) are passed over: a bundle holds what every machine can run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from bundler.binaries.elf import Image
from bundler.binaries.elf.tokens import substitute
from bundler.machine import os
from bundler.platforms import Libc, Machine
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.glibc_machines import glibc_machine
from bundler.systems.linux.ld_cache import read_cache, read_configured_directories
from bundler.systems.linux.libc_family import libc_family
from bundler.systems.linux.loader import Around, Found, LoadedObject, LoaderView, SystemLibraries, Via
from bundler.systems.linux.policy import OPENED_BY_LIBC
from bundler.systems.linux.program_loader import own_places, standard_loader

SUBFOLDERS = frozenset(
    {"glibc-hwcaps", "tls", "haswell", "xeon_phi", "avx512_1", "x86_64", "i686", "aarch64", "atomics"}
)
"""Folders below those of a search path in which glibc looks first: all of them up to 2.36, `glibc-hwcaps` since 2.33."""


def resolve(
    name: str, requester: LoadedObject, around: Around, view: LoaderView, system: SystemLibraries
) -> Found | None:
    """Where a name that `requester` asks for is found; None where it is not. See `loader.Loader`."""
    if "/" in name:
        for path in expand(name, requester, view, system):
            if path.startswith("/") and view.is_library(path):
                return Found(path, Via.PATH)
        return None
    for directory, via in _directories(requester, around, view, system):
        path = f"{directory}/{name}"
        if view.is_library(path):
            return Found(path, via)
    return _from_system(name, requester, view, system)


def passed_on(loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> tuple[str, ...]:
    """The directories of its DT_RPATH: DT_RUNPATH, which takes that one's place, serves an object's own needs alone."""
    return directories(loaded.rpath, loaded, view, system) if loaded.runpath is None else ()


def asks_around(loaded: LoadedObject) -> bool:
    """Not with a DT_RUNPATH, be it empty."""
    return loaded.runpath is None


def directories(
    entries: Sequence[str], loaded: LoadedObject, view: LoaderView, system: SystemLibraries
) -> tuple[str, ...]:
    """Absolute directories of a search path. Empty and relative elements mean the working directory: never ours."""
    return tuple(path for entry in entries for path in expand(entry, loaded, view, system) if path.startswith("/"))


def _directories(
    requester: LoadedObject, around: Around, view: LoaderView, system: SystemLibraries
) -> Iterator[tuple[str, Via]]:
    """The directories that are searched before the system's own, normalised, in order."""
    if requester.runpath is None:
        for directory in (*passed_on(requester, view, system), *around.inherited):
            yield directory, Via.RPATH
    for directory in around.library_path:
        yield directory, Via.LIBRARY_PATH
    for directory in directories(requester.runpath or (), requester, view, system):
        yield directory, Via.RUNPATH


def _from_system(name: str, requester: LoadedObject, view: LoaderView, system: SystemLibraries) -> Found | None:
    """The host's cache, then its default directories."""
    for path in system.cache.get(name, ()):
        standard = path.startswith(tuple(f"{directory}/" for directory in system.default_directories))
        if not (requester.no_default_libraries and standard) and view.is_library(path):
            return Found(path, Via.CACHE)
    if not requester.no_default_libraries:
        for directory in system.default_directories:
            if view.is_library(f"{directory}/{name}"):
                return Found(f"{directory}/{name}", Via.DEFAULT)
    return None


def expand(entry: str, loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> Iterator[str]:
    """The dynamic string tokens of ld.so(8) replaced by all that they may stand for, and absolute paths normalised."""
    if "$" not in entry:
        if entry:
            yield view.normal(entry) if entry.startswith("/") else entry
        return
    origin = os.path.dirname(loaded.path)
    choices = itertools.product(system.lib or ("",), system.platforms or ("",))
    values = ({"ORIGIN": origin, "LIB": lib, "PLATFORM": platform} for lib, platform in choices)
    for path in dict.fromkeys(substitute(entry, value) for value in values):
        if path:
            yield view.normal(path) if path.startswith("/") else path


def system_libraries(machine: Machine, sysroot: Sysroot = HOST, program: Image | None = None) -> SystemLibraries:
    """How programs for `machine` in `sysroot` find libraries: from `ld.so.cache`, or from `ld.so.conf` where there is none.

    A `program` with a loader of its own does so from that one's cache and folders.
    """
    glibc = glibc_machine(machine)
    if program is not None and standard_loader(program) is not None:
        places = own_places(sysroot.real(sysroot.path_of(program.interpreter or "")))
        if places is not None:
            cache = read_cache(sysroot.real(sysroot.path_of(places.cache)), glibc) if places.cache else None
            return SystemLibraries(cache or {}, places.directories, glibc.lib, glibc.platforms)
    cache = read_cache(sysroot.real(sysroot.path_of("/etc/ld.so.cache")), glibc)
    directories = glibc.default_directories
    if cache is None:
        configured = read_configured_directories(sysroot.path_of("/etc/ld.so.conf"), sysroot)
        directories = tuple(dict.fromkeys((*configured, *directories)))
    return SystemLibraries(cache or {}, directories, glibc.lib, glibc.platforms)


def answers_to(name: str) -> bool:
    """Nothing: the loader is a file among others."""
    return False


def directories_file(loader: str) -> None:
    """None: the directories are compiled into it, the cache's place too."""
    return


class _Glibc:
    """glibc's rules behind the seam; see `loader.Loader`."""

    libc = Libc.GLIBC
    rpath_beats_library_path = True
    answers_to_soname = True
    dlopen_asks_caller = True
    dlopen_knows_origin = True
    heeds_stacks = True
    opened_by_libc = OPENED_BY_LIBC
    libc_name = "libc.so.6"
    answers_to = staticmethod(answers_to)
    resolve = staticmethod(resolve)
    passed_on = staticmethod(passed_on)
    asks_around = staticmethod(asks_around)
    directories = staticmethod(directories)
    expand = staticmethod(expand)
    system_libraries = staticmethod(system_libraries)
    libc_family = staticmethod(libc_family)
    directories_file = staticmethod(directories_file)


GLIBC = _Glibc()
