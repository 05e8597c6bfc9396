"""What stops a set of PE files on a hardened Windows."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.binaries.pe import Image
from bundler.binaries.pe import constants as c
from bundler.ceiling import Ceiling

_WRITABLE_CODE = c.IMAGE_SCN_MEM_WRITE | c.IMAGE_SCN_MEM_EXECUTE


def find_ceiling(images: Mapping[str, Image]) -> Ceiling:
    """The ceiling of `images`, by bundle path: sections that can be written to and executed (Arbitrary Code Guard refuses them)."""
    return Ceiling(writable_code=tuple(path for path, image in sorted(images.items()) if _has_writable_code(image)))


def _has_writable_code(image: Image) -> bool:
    return any(section.flags & _WRITABLE_CODE == _WRITABLE_CODE for section in image.headers.sections)
