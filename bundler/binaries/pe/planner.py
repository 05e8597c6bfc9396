"""The patcher: from edits to a patch whose result was checked."""

from __future__ import annotations

from typing import BinaryIO

from bundler.binaries.pe.draft import plan_unchecked
from bundler.binaries.pe.edits import Edits, PatchPlan
from bundler.binaries.pe.image import Image


def plan_patch(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """The patch that does `edits` to the seekable binary `file`, of which `image` was read; None for no change.

    The patched file is read again and compared with the original before the plan is handed out. Raises NoHeaderRoom or
    PayloadInTheWay where names find no room, UnwritableString and ConflictingEdits for wrong names, CannotPatch where the file
    has no shape for the edits or the result would break a rule, BinaryFormatError where the file contradicts itself.
    """
    plan = plan_unchecked(file, image, edits)
    if plan is not None:
        from bundler.binaries.pe.invariants import check_result  # not needed where nothing changes

        check_result(file, image, edits, plan)
    return plan
