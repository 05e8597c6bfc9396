"""A libc of the bundle's own (`--libc bundle`): the loader and libc's family of the base come along, and start its programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.elf import Image
from bundler.entries import Entry
from bundler.errors import BundlerError
from bundler.floor import Floor
from bundler.machine import os
from bundler.scheme import BundleScheme
from bundler.sysroot import Sysroot
from bundler.systems.libraries import BundledLibrary
from bundler.systems.linux.libc_family import libc_family, oldest_kernel
from bundler.systems.linux.loader import SystemLibraries
from bundler.systems.linux.policy import HostReason, stays_on_host

_LIBC = "libc.so.6"


@dataclass(frozen=True, slots=True)
class OwnLibc:
    """What comes along of a machine's libc: the paths of the loader and the libraries there."""

    loader: str
    libraries: tuple[str, ...]
    kept: frozenset[str] = frozenset()
    """Bundle paths of the family, where the environment is a bundle that has it: then nothing of the machine's comes along."""

    @property
    def included(self) -> tuple[str, ...]:
        """As `--include-lib` would name them."""
        return () if self.kept else (self.loader, *self.libraries)


def own_libc(program: Image, system: SystemLibraries, sysroot: Sysroot, former: frozenset[str]) -> OwnLibc:
    """The loader that starts `program`, and libc's family of its build; `former` is the family that is there already.

    Raises BundlerError where one of them is not there.
    """
    loader = program.interpreter or ""
    if former and program.own_loader is not None:
        return OwnLibc(loader, (), former)
    names = libc_family(system, sysroot)
    for needed, where in ((loader, sysroot.path_of(loader)), (_LIBC, sysroot.path_of(names.get(_LIBC, "/")))):
        if not needed or not sysroot.is_file(where):
            raise BundlerError(
                f"--libc bundle: {needed or 'a loader'} is not on this machine", "--libc host uses the target's"
            )
    return OwnLibc(loader, tuple(names[name] for name in sorted(names)))


def former_libc(entries: Mapping[str, Entry], scheme: BundleScheme) -> frozenset[str]:
    """Bundle paths of libc's family in an environment that is a bundle with its own libc."""
    return frozenset(
        path
        for path in entries
        if os.path.dirname(path) == scheme.bundled and stays_on_host(os.path.basename(path)) is HostReason.LIBC
    )


def path_of_loader(libc: OwnLibc, libraries: Sequence[BundledLibrary]) -> str:
    """The bundle path of the loader, by the name that libc asks for."""
    name = os.path.basename(libc.loader)
    paths = (*libc.kept, *(path for library in libraries for path in (library.path, *library.aliases)))
    return next(path for path in paths if os.path.basename(path) == name)


def kernel_floor(images: Mapping[str, Image]) -> Floor | None:
    """The oldest Linux for a bundle that brings its libc: what that was built for. `images` are headers by bundle path."""
    for path, image in images.items():
        if os.path.basename(path) == _LIBC:
            release = oldest_kernel(image)
            return Floor("Linux", release, path, "its ABI note") if release is not None else None
    return None
