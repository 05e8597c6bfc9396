"""The loader that a program names (PT_INTERP): which one every system has, and where one of its own looks for libraries.

The kernel opens that path as it stands. Homebrew, nix, Guix, Spack and Gentoo Prefix link programs to a glibc of theirs, with a
loader that no other machine has. libc is the target's in a bundle, so the loader must be, too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bundler.binaries.elf import Image
from bundler.binaries.elf.machines import machine_of
from bundler.files import opened
from bundler.machine.failing import unless_failing
from bundler.systems.linux import musl

# Where each machine's glibc has its loader (glibc's sysdeps/unix/sysv/linux/*/shlib-versions and ldd-rewrite.sed; the psABIs).
_STANDARD = {
    "x86_64": ("/lib64/ld-linux-x86-64.so.2",),
    "i686": ("/lib/ld-linux.so.2",),
    "aarch64": ("/lib/ld-linux-aarch64.so.1",),
    "armv7l": ("/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.3"),  # with and without floating point registers
    "ppc64le": ("/lib64/ld64.so.2",),
    "ppc64": ("/lib64/ld64.so.1",),
    "s390x": ("/lib/ld64.so.1",),
    "riscv64": ("/lib/ld-linux-riscv64-lp64d.so.1",),
    "loongarch64": ("/lib64/ld-linux-loongarch-lp64d.so.1",),
}
_NAME = re.compile(r"ld(-linux[^/]*|64|-lsb[^/]*|-\d[\d.]*)?\.so(\.\d+)?")
# Strings that glibc's loader has compiled in: its cache, and its folders, all of them in a row, each with a slash at its end.
_CACHE = re.compile(rb"\0((?:/[^\0/]+)+/ld\.so\.cache)\0")
_FOLDERS = re.compile(rb"\0((?:/(?:[\x20-\x7e\x80-\xff]*/)?lib[\x20-\x7e\x80-\xff]*/\0)+)")


class OwnPlaces(NamedTuple):
    """Where a loader looks for libraries without a search path: its cache, and its folders in order."""

    cache: str | None
    directories: tuple[str, ...]


def standard_loader(image: Image) -> str | None:
    """The path at which every system, or every one with musl, has the loader for a program that names another one.

    None where it names none, that one, or none of glibc's or musl's; or where the machine is not known.
    """
    named = image.interpreter
    if named is None:
        return None
    if (of_musl := musl.standard_loader(named)) is not None:
        return of_musl
    standard = _STANDARD.get(machine_of(image).name, ())
    if not standard or named in standard or not _NAME.fullmatch(named.rpartition("/")[2]):
        return None
    name = named.rpartition("/")[2]
    return next((path for path in standard if path.endswith(f"/{name}")), standard[0])


def own_places(loader: str) -> OwnPlaces | None:
    """Where the loader at a path on this machine looks, read from its strings; None where they do not tell."""
    try:
        with opened(loader) as file:
            data = file.read()
    except OSError as error:
        unless_failing(error, loader)
        return None
    folders = _FOLDERS.search(data)
    if folders is None:
        return None
    cache = _CACHE.search(data)
    directories = (text.decode("utf-8", "surrogateescape") for text in folders[1].split(b"\0") if text)
    return OwnPlaces(
        cache[1].decode("utf-8", "surrogateescape") if cache is not None else None,
        tuple(dict.fromkeys(folder.rstrip("/") for folder in directories)),
    )
