"""Apply edits to files on disk, the way a sink would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from bundler.binaries.elf import UNCHANGED, Edits, Image, PatchPlan, Unchanged, plan_patch, read_image


def image_of(path: Path) -> Image:
    """The image of a file on disk."""
    with path.open("rb") as file:
        return read_image(file)


def plan(path: Path, rpath: str | Unchanged | None = UNCHANGED, needed: Mapping[str, str] | None = None) -> PatchPlan:
    """The plan for edits that change something."""
    with path.open("rb") as file:
        found = plan_patch(file, read_image(file), Edits(rpath, needed or {}))
    assert found is not None, "the edits change nothing"
    return found


def patch(path: Path, rpath: str | Unchanged | None = UNCHANGED, needed: Mapping[str, str] | None = None) -> PatchPlan:
    """Do the edits to a file on disk; gives the plan that was carried out."""
    found = plan(path, rpath, needed)
    new = path.with_name(path.name + ".new")
    with path.open("rb") as source, new.open("wb") as target:
        target.writelines(found.patch.read(source))
    assert new.stat().st_size == found.patch.size
    shutil.copymode(path, new)
    os.replace(new, path)
    return found
