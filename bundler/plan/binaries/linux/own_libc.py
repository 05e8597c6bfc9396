"""A libc of the bundle's own (`--libc bundle`): the loader and libc's family of the base come along, and start its programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bundler.binaries.elf import Image, read_image
from bundler.errors import BundlerError
from bundler.floor import Floor
from bundler.machine import os
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary
from bundler.systems.linux.libc_family import libc_family, oldest_kernel
from bundler.systems.linux.loader import SystemLibraries

_LIBC = "libc.so.6"


@dataclass(frozen=True, slots=True)
class OwnLibc:
    """What comes along of a machine's libc: the loader's path there, and the names of the libraries."""

    loader: str
    names: tuple[str, ...]

    @property
    def included(self) -> tuple[str, ...]:
        """As `--include-lib` would name them."""
        return (self.loader, *self.names)


def own_libc(program: Image, system: SystemLibraries, sysroot: Sysroot) -> OwnLibc:
    """The loader that starts `program`, and libc's family of its build. Raises BundlerError where one of them is not there."""
    loader = program.interpreter or ""
    names = libc_family(system, sysroot)
    for needed, where in ((loader, sysroot.path_of(loader)), (_LIBC, sysroot.path_of(names.get(_LIBC, "/")))):
        if not needed or not sysroot.is_file(where):
            raise BundlerError(
                f"--libc bundle: {needed or 'a loader'} is not on this machine", "--libc host uses the target's"
            )
    return OwnLibc(loader, tuple(sorted(names)))


def path_of_loader(libc: OwnLibc, libraries: Sequence[BundledLibrary]) -> str:
    """The bundle path of the loader, by the name that libc asks for."""
    name = os.path.basename(libc.loader)
    paths = (path for library in libraries for path in (library.path, *library.aliases))
    return next(path for path in paths if os.path.basename(path) == name)


def kernel_floor(libraries: Sequence[BundledLibrary]) -> Floor | None:
    """The oldest Linux for a bundle that brings its libc: what that was built for."""
    for library in libraries:
        if os.path.basename(library.path) == _LIBC:
            with open(library.source, "rb") as file:
                release = oldest_kernel(read_image(file))
            return Floor("Linux", release, library.path, "its ABI note") if release is not None else None
    return None
