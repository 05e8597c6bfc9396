"""The oldest macOS on which a set of Mach-O files runs, and which file says so."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.binaries.macho import Image
from bundler.floor import Floor


def find_floor(images: Mapping[str, Image], executable: str) -> Floor | None:
    """The oldest macOS on which every file runs that has the interpreter's architecture; of several the least demanding."""
    floors = []
    for architecture in images[executable].architectures:
        highest: Floor | None = None
        for path, image in sorted(images.items()):
            part = image.slice_for(architecture)
            if part is not None and part.minimum_os is not None:
                release = part.minimum_os[:2]
                if highest is None or release > highest.release:
                    highest = Floor("macOS", release, path, f"its {architecture} code's minimum version")
        floors += [highest] if highest is not None else []
    return min(floors, key=lambda floor: floor.release, default=None)
