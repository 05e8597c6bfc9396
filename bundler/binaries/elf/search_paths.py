"""Search paths as values: adding directories, and dropping those that provide nothing.

Source: ld.so(8); `$ORIGIN` is the directory of the object itself, `$LIB` and `$PLATFORM` are the loader's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bundler.binaries.elf.image import Image, read_image
from bundler.binaries.elf.tokens import substitute
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing


def current_path(image: Image) -> str | None:
    """The search path that the loader uses: DT_RUNPATH where there is one, else DT_RPATH."""
    return image.rpath if image.runpath is None else image.runpath


def split(path: str | None) -> list[str]:
    """The directories of a search path, in order, without empty elements."""
    return [directory for directory in (path or "").split(":") if directory]


def add(path: str | None, directories: Iterable[str]) -> str:
    """`path` with those of `directories` behind it that it does not hold; each of them may be several, with colons."""
    return ":".join(dict.fromkeys([*split(path), *(one for each in directories for one in split(each))]))


def shrink(
    path: str | None,
    image: Image,
    needed: Sequence[str],
    origin: str,
    prefixes: Sequence[str],
    keep_relative: bool = False,
) -> str:
    """`path` with only those directories in which the loader would find one of `needed` first.

    `origin` is the directory of the object of which `image` was read. With `prefixes`, a directory must also lie in
    one of them. Directories that only the loader can tell (`$LIB`, `$PLATFORM`) stay; with `keep_relative` all that are
    not absolute do, and none of them is looked into.
    """
    wanted = [name for name in needed if "/" not in name]
    kept = []
    for directory in split(path):
        place = substitute(directory, {"ORIGIN": origin})
        if "$" in place or (keep_relative and not directory.startswith("/")):
            kept.append(directory)
            continue
        if prefixes and not any(_lies_in(form, prefix) for form in (directory, place) for prefix in prefixes):
            continue
        found = [name for name in wanted if _provides(os.path.join(place, name), image)]
        if found:
            kept.append(directory)
            wanted = [name for name in wanted if name not in found]
    return ":".join(kept)


def _lies_in(directory: str, prefix: str) -> bool:
    directory, prefix = os.path.normpath(directory), os.path.normpath(prefix)
    return directory == prefix or directory.startswith(prefix.rstrip("/") + "/")


def _provides(path: str, image: Image) -> bool:
    """Whether the loader would take the file: an object of the same class and machine."""
    try:
        with opened(path) as file:
            other = read_image(file)
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return False
    return (other.elf_class, other.byteorder, other.machine) == (image.elf_class, image.byteorder, image.machine)
