"""Apply edits to files on disk, the way a sink would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from bundler.binaries.elf import UNCHANGED, Edits, Image, PatchPlan, Unchanged, plan_patch, read_image

_ZEROS = bytes(1 << 20)


def image_of(path: Path) -> Image:
    """The image of a file on disk."""
    with path.open("rb") as file:
        return read_image(file)


def plan(path: Path, rpath: str | Unchanged | None = UNCHANGED, needed: Mapping[str, str] | None = None) -> PatchPlan:
    """The plan for edits that change something."""
    return plan_edits(path, Edits(rpath, needed or {}))


def plan_edits(path: Path, edits: Edits) -> PatchPlan:
    """The plan for edits that change something."""
    with path.open("rb") as file:
        found = plan_patch(file, read_image(file), edits)
    assert found is not None, "the edits change nothing"
    return found


def patch(path: Path, rpath: str | Unchanged | None = UNCHANGED, needed: Mapping[str, str] | None = None) -> PatchPlan:
    """Do the edits to a file on disk; gives the plan that was carried out."""
    return edit(path, Edits(rpath, needed or {}))


def write_sparsely(found: PatchPlan, source: BinaryIO, target: BinaryIO) -> None:
    """Write the new file with holes for long runs of zeros."""
    for chunk in found.patch.read(source):
        if chunk == _ZEROS:
            target.seek(len(chunk), os.SEEK_CUR)
        else:
            target.write(chunk)
    target.truncate(found.patch.size)


def edit(path: Path, edits: Edits) -> PatchPlan:
    """Do the edits to a file on disk; gives the plan that was carried out."""
    found = plan_edits(path, edits)
    new = path.with_name(path.name + ".new")
    with path.open("rb") as source, new.open("wb") as target:
        write_sparsely(found, source, target)
    assert new.stat().st_size == found.patch.size
    shutil.copymode(path, new)
    os.replace(new, path)
    return found
