"""ELF: the loader's view of a file, and patches of its library names and search paths.

Read a file with `read_image`; say what shall change with `Edits`; `plan_patch` gives a `PatchPlan`, or None where nothing
changes. The plan says what it does (`tier`, `explanation`, `reasons`), and its `patch` can be looked at (`pieces`, `size`)
and applied: `patch.apply(data)` gives bytes, `patch.write(source, target)` writes a stream. None of it writes to a path:
`bundler.binaries.replace` does that.
"""

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
