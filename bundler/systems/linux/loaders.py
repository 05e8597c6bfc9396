"""The loaders of Linux that are known. One line each: here a new one is added."""

from __future__ import annotations

from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import platform_of
from bundler.platforms import Libc
from bundler.systems.linux.glibc import GLIBC
from bundler.systems.linux.loader import Loader
from bundler.systems.linux.musl import MUSL


def loader_of(program: Image) -> Loader:
    """The rules of the loader that starts a program."""
    return loader_for(platform_of(program).libc)


def loader_for(libc: Libc | None) -> Loader:
    """The rules of a libc's loader."""
    return MUSL if libc is Libc.MUSL else GLIBC
