"""Libraries that the loader puts into every process of a machine: `/etc/ld.so.preload` (ld.so(8))."""

from __future__ import annotations

import re

from bundler.binaries.elf import read_image
from bundler.binaries.elf.machines import machine_of
from bundler.errors import BinaryFormatError
from bundler.files import opened, read_regular
from bundler.machine.failing import is_file, unless_failing
from bundler.sysroot import HOST, Sysroot
from bundler.systems.linux.glibc import GLIBC
from bundler.systems.linux.loader import Around, LoadedObject
from bundler.systems.linux.sysroot_libraries import SysrootLibraries


def preloaded_libraries(sysroot: Sysroot = HOST) -> frozenset[str]:
    """Real paths of the libraries that the file of `sysroot` names, and of what they need."""
    found: set[str] = set()
    left = [path for name in _names(sysroot) if (path := _located(name, sysroot)) is not None]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        try:
            with opened(path) as file:
                image = read_image(file)
        except (OSError, BinaryFormatError) as error:
            unless_failing(error, path)
            continue
        machine = machine_of(image)
        system, view = GLIBC.system_libraries(machine, sysroot), SysrootLibraries(image, sysroot)
        loaded = LoadedObject.from_image(sysroot.name_of(path), image)
        for name in image.needed:
            target = GLIBC.resolve(name, loaded, Around(), view, system)
            if target is not None:
                left.append(view.real(target.path))
    return frozenset(found)


def _names(sysroot: Sysroot) -> list[str]:
    """The names in the file, which white space and colons divide; a `#` begins a comment."""
    try:
        data = read_regular(sysroot.path_of("/etc/ld.so.preload"))
        text = re.sub(r"#.*", "", data.decode("utf-8", "surrogateescape"))
    except OSError as error:
        unless_failing(error, "/etc/ld.so.preload")
        return []
    return [name for name in re.split(r"[\s:]+", text) if name]


def _located(name: str, sysroot: Sysroot) -> str | None:
    """The real path of a library that is named by its path, `$LIB` and `$PLATFORM` aside; None where it is not there."""
    path = sysroot.real(sysroot.path_of(name))
    return path if "/" in name and is_file(path) else None
