"""The oldest Windows on which a set of PE files runs, and which file says so.

Releases are those of the products: 8.1, 10.0, 11.0. What a file's own header says is mostly older than what it needs, for linkers
write 6.0 (Vista) unless they are told otherwise. So what a release of Python supports counts as well, and a few DLLs that older
ones lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bundler.binaries.pe import Image
from bundler.binaries.pe import constants as c
from bundler.binaries.pe.edits import folded
from bundler.floor import Floor, FloorDemand, Release, highest

SYSTEM = "Windows"

_PRODUCTS: tuple[tuple[Release, Release], ...] = (
    ((10, 0), (10, 0)),
    ((6, 3), (8, 1)),
    ((6, 2), (8, 0)),
    ((6, 1), (7, 0)),
)
"""Products by the version that headers hold (GetVersionEx), the latest first; no Python of today runs on Vista (6.0)."""
_OLDEST: Release = (7, 0)

_PYTHONS: tuple[tuple[tuple[int, int], Release], ...] = (((3, 13), (10, 0)), ((3, 9), (8, 1)), ((3, 8), (7, 0)))
"""Which Windows a Python supports from which version on ("Using Python on Windows" of each version's documentation; PEP 11)."""

_SINCE: dict[str, Release] = {
    # Microsoft's documentation of the functions ("Requirements") and of API sets.
    "api-ms-win-core-path-l1-1-0.dll": (8, 0),
    "api-ms-win-core-synch-l1-2-0.dll": (8, 0),
    "api-ms-win-core-winrt-l1-1-0.dll": (8, 0),
    "combase.dll": (8, 0),
    "dcomp.dll": (8, 0),
    "xinput1_4.dll": (8, 0),
    "xaudio2_8.dll": (8, 0),
    "shcore.dll": (8, 1),
    "api-ms-win-shcore-scaling-l1-1-1.dll": (8, 1),
    "d3d12.dll": (10, 0),
    "icuuc.dll": (10, 0),
    "xaudio2_9.dll": (10, 0),
}
"""DLLs that are imported at once, by the first Windows that has them."""


def find_floor(images: Mapping[str, Image], executable: str, python: tuple[int, int]) -> Floor | None:
    """The oldest Windows on which every file runs. `python` is the version (X, Y) of the Python at the bundle path `executable`."""
    floor = highest(SYSTEM, demands(images, executable, python))
    # Without its Python there is no bundle.
    return replace(floor, without=None) if floor is not None and floor.file == executable else floor


def demands(images: Mapping[str, Image], executable: str, python: tuple[int, int]) -> Iterator[FloorDemand]:
    """What each file asks for. See `find_floor`."""
    supported = next((release for version, release in _PYTHONS if python >= version), _OLDEST)
    yield FloorDemand(supported, executable, f"Python {python[0]}.{python[1]}")
    for path, image in sorted(images.items()):
        yield FloorDemand(_product(image.headers.subsystem_version), path, "the header's minimum version")
        for name in image.needed:
            if folded(name) in _SINCE:
                yield FloorDemand(_SINCE[folded(name)], path, f"the import of {name}")
        config = image.load_config
        if config is not None and config.chpe_metadata and image.headers.machine == c.IMAGE_FILE_MACHINE_AMD64:
            yield FloorDemand((11, 0), path, "ARM64EC code")


def _product(version: tuple[int, int]) -> Release:
    return next((release for header, release in _PRODUCTS if version >= header), _OLDEST)
