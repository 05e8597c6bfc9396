"""ELF: the loader's view of a file, and patches of its library names and search paths."""

from __future__ import annotations

from bundler.binaries.elf.image import Image, is_elf, read_image
from bundler.binaries.elf.structs import DynamicEntry, ElfClass, Segment
from bundler.binaries.elf.versions import VersionNeed, version_needs

__all__ = [
    "DynamicEntry",
    "ElfClass",
    "Image",
    "Segment",
    "VersionNeed",
    "is_elf",
    "read_image",
    "version_needs",
]
