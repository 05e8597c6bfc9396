"""musl's search for a library (ldso/dynlink.c: load_library, fixup_rpath, path_open), without running anything.

Its loader is libc itself, and answers to every name that a part of a libc has (`answers_to`): nothing is searched for those.
There is one kind of search path, which is passed on to all that an object brings along, and LD_LIBRARY_PATH stands in front of
it. The first file of the name that can be opened is taken: where that is no library, the search has failed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bundler.binaries.elf import Image
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.platforms import MACHINES, Libc, Machine
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.loader import Around, Found, LoadedObject, LoaderView, SystemLibraries, Via

DEFAULT_DIRECTORIES = ("/lib", "/usr/local/lib", "/usr/lib")
LONGEST_PATH = 511
"""Bytes of a path at which a search still finds a library, and of a program's that its `$ORIGIN` may stand for (`buf`)."""
_LOADER = re.compile(r"ld-musl-[^/]+\.so\.1")
# musl's names of machines (LDSO_ARCH), where they differ from those of `platforms.MACHINES`.
_NAMES = {"i686": "i386", "armv7l": "armhf", "ppc64le": "powerpc64le", "ppc64": "powerpc64"}
DIRECTORIES_FILES = tuple(f"/etc/ld-musl-{_NAMES.get(machine.name, machine.name)}.path" for machine in MACHINES)
"""The files that `directories_file` gives for the usual loaders."""
# The names that musl reserves for itself: with each of these beginnings the loader answers.
_RESERVED = re.compile(r"lib(?:c|pthread|rt|m|dl|util|xnet)\.")
_TOKEN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\}|)")
_ORIGINS = ("$ORIGIN", "${ORIGIN}")


def answers_to(name: str) -> bool:
    """Whether the loader is what a name means: a part of libc, of glibc's too, or the loader by its own name."""
    return _RESERVED.match(name) is not None or is_loader(name)


def resolve(
    name: str, requester: LoadedObject, around: Around, view: LoaderView, system: SystemLibraries
) -> Found | None:
    """Where a name that `requester` asks for is found; None where it is not. See `loader.Loader`."""
    if "/" in name:
        return Found(name, Via.PATH) if name.startswith("/") and view.is_library(name) else None
    searched = (
        *((path, Via.LIBRARY_PATH) for path in around.library_path),
        *((path, Via.RPATH) for path in (*passed_on(requester, view, system), *around.inherited)),
        *((path, Via.DEFAULT) for path in system.default_directories),
    )
    for folder, via in searched:
        path = f"{folder}/{name}"
        if len(os.fsencode(path)) <= LONGEST_PATH and view.is_there(path):
            return Found(path, via) if view.is_library(path) else None
    return None


def passed_on(loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> tuple[str, ...]:
    """The directories of its search path: DT_RUNPATH where there is one, else DT_RPATH."""
    own = loaded.rpath if loaded.runpath is None else loaded.runpath
    found = (path for entry in own for path in expand(entry, loaded, view, system))
    return tuple(path for path in found if path.startswith("/"))


def asks_around(loaded: LoadedObject) -> bool:
    """Always."""
    return True


def directories(
    entries: Sequence[str], loaded: LoadedObject, view: LoaderView, system: SystemLibraries
) -> tuple[str, ...]:
    """Absolute directories of LD_LIBRARY_PATH, in which there are no tokens; relative ones mean the working directory."""
    return tuple(view.normal(path) for entry in entries for path in _elements(entry) if path.startswith("/"))


def expand(entry: str, loaded: LoadedObject, view: LoaderView, system: SystemLibraries) -> Iterator[str]:
    """The directories that an element stands for, `$ORIGIN` replaced. Any other token, in any element, undoes the whole path."""
    own = loaded.rpath if loaded.runpath is None else loaded.runpath
    whole = own if entry in own else (entry,)
    if any(token not in _ORIGINS for part in whole for token in _TOKEN.findall(part)):
        return
    origin = os.path.dirname(loaded.path)
    for element in _elements(entry):
        path = _TOKEN.sub(lambda _: origin, element)
        yield view.normal(path) if path.startswith("/") else path


def system_libraries(machine: Machine, sysroot: Sysroot = HOST, program: Image | None = None) -> SystemLibraries:
    """The directories that are searched last: those that a file names which goes with the loader, where it is there.

    The loader is the one that `program` names, else the usual one. There is no cache.
    """
    named = program.interpreter if program is not None else None
    loader = (
        named
        if named is not None and is_loader(named)
        else f"/lib/ld-musl-{_NAMES.get(machine.name, machine.name)}.so.1"
    )
    place = sysroot.real(sysroot.path_of(directories_file(loader)))
    try:
        with opened(place) as file:
            return SystemLibraries({}, tuple(_elements(os.fsdecode(file.read()))))
    except FileNotFoundError:
        return SystemLibraries({}, DEFAULT_DIRECTORIES)
    except OSError as error:
        unless_failing(error, place)
        return SystemLibraries()


def directories_file(loader: str) -> str:
    """The file that names the last directories of the loader at a path: below `etc` beside the loader's folder."""
    above = os.path.dirname(os.path.dirname(loader)).rstrip("/")
    return f"{above}/etc/{os.path.basename(loader).removesuffix('.so.1')}.path"


def is_loader(path: str) -> bool:
    """Whether a path has the name of a loader of musl."""
    return _LOADER.fullmatch(os.path.basename(path)) is not None


def standard_loader(named: str) -> str | None:
    """The path at which every system with musl has the loader that a program names at another one; None for others."""
    standard = f"/lib/{os.path.basename(named)}"
    return standard if is_loader(named) and named != standard else None


def libc_family(system: SystemLibraries, sysroot: Sysroot) -> Mapping[str, str]:
    """Nothing: all of libc is the loader."""
    return {}


def _elements(path: str) -> Iterator[str]:
    """The elements of a search path; empty ones count for nothing."""
    return filter(None, re.split("[:\n]", path))


class _Musl:
    """musl's rules behind the seam; see `loader.Loader`."""

    libc = Libc.MUSL
    rpath_beats_library_path = False
    answers_to_soname = False
    dlopen_asks_caller = False
    dlopen_knows_origin = False
    heeds_stacks = False
    opened_by_libc = ()
    libc_name = None
    answers_to = staticmethod(answers_to)
    resolve = staticmethod(resolve)
    passed_on = staticmethod(passed_on)
    asks_around = staticmethod(asks_around)
    directories = staticmethod(directories)
    expand = staticmethod(expand)
    system_libraries = staticmethod(system_libraries)
    libc_family = staticmethod(libc_family)
    directories_file = staticmethod(directories_file)


MUSL = _Musl()
