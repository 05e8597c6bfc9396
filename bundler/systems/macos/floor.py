"""The oldest macOS on which a set of Mach-O files runs, and which file says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bundler.binaries.macho import Image
from bundler.floor import Floor, FloorDemand, highest


def find_floor(images: Mapping[str, Image], executable: str) -> Floor | None:
    """The oldest macOS on which every file runs that has the interpreter's architecture; of several the least demanding."""
    of_each = (highest("macOS", demands(images, architecture)) for architecture in images[executable].architectures)
    return min((floor for floor in of_each if floor is not None), key=lambda floor: floor.release, default=None)


def demands(images: Mapping[str, Image], architecture: str) -> Iterator[FloorDemand]:
    """What the code of one architecture asks for, in the order of the files' paths: releases of macOS."""
    for path, image in sorted(images.items()):
        part = image.slice_for(architecture)
        if part is not None and part.minimum_os is not None:
            yield FloorDemand(part.minimum_os[:2], path, f"its {architecture} code's minimum version")
