"""Whether the loader finds a library of the host by the name that it has for itself: so is a copy in the bundle."""

from __future__ import annotations

from collections.abc import Sequence

from bundler.binaries.elf import Image, read_image
from bundler.binaries.elf.machines import machine_of
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing
from bundler.systems.linux.loader import Around, LoadedObject, Via
from bundler.systems.linux.loaders import loader_of
from bundler.systems.linux.sysroot_libraries import SysrootLibraries


def found_by_name(path: str, program: str, library_path: Sequence[str]) -> str | None:
    """See `systems.system.System.found_by_name`."""
    image, library = _image(program), _image(path)
    if image is None or library is None or library.soname is None:
        return None
    loader, view = loader_of(image), SysrootLibraries(image)
    system = loader.system_libraries(machine_of(image), program=image)
    around = Around(library_path=tuple(library_path))
    found = loader.resolve(library.soname, LoadedObject.from_image(program, image), around, view, system)
    if found is None or "/" in library.soname or os.path.realpath(found.path) != path:
        return None
    return library.soname if found.via is Via.CACHE else found.path


def _image(path: str) -> Image | None:
    try:
        with opened(path) as file:
            return read_image(file)
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return None
