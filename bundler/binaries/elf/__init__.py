"""ELF: the loader's view of a file, and patches of its library names and search paths."""

from __future__ import annotations

from bundler.binaries.elf.edits import UNCHANGED, Edits, PatchPlan, PathTag, Tier, Unchanged, search_path
from bundler.binaries.elf.image import Image, is_elf, read_image
from bundler.binaries.elf.planner import plan_patch
from bundler.binaries.elf.structs import DynamicEntry, ElfClass, Segment
from bundler.binaries.elf.versions import VersionNeed, version_needs

__all__ = [
    "UNCHANGED",
    "DynamicEntry",
    "Edits",
    "ElfClass",
    "Image",
    "PatchPlan",
    "PathTag",
    "Segment",
    "Tier",
    "Unchanged",
    "VersionNeed",
    "is_elf",
    "plan_patch",
    "read_image",
    "search_path",
    "version_needs",
]
