"""The patcher: from edits to a patch whose result was checked."""

from __future__ import annotations

import struct
from typing import BinaryIO

from bundler.binaries.elf.edits import Edits, PatchPlan
from bundler.binaries.elf.encoded_edits import EncodedEdits, encode
from bundler.binaries.elf.header_edits import header_edits, plan_headers
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.tiers import plan_unchecked
from bundler.binaries.reading import in_memory
from bundler.errors import CannotPatch


def plan_patch(file: BinaryIO, image: Image, edits: Edits) -> PatchPlan | None:
    """The patch that does `edits` to the seekable binary `file`, of which `image` was read; None for no change.

    The patched file is read again and compared with the original before the plan is handed out.
    Raises CannotPatch where there is no room or the result would break a rule, BinaryFormatError where the
    file contradicts itself.
    """
    wanted = encode(edits)
    try:
        return _plan(file, image, wanted)
    except struct.error as error:  # an offset near the end of 32 bits that would have to grow
        raise CannotPatch(f"a number would leave its field of an ELF{image.elf_class.bits} file: {error}") from error


def _plan(file: BinaryIO, image: Image, wanted: EncodedEdits) -> PatchPlan | None:
    has_loader = image.own_loader is not None or isinstance(wanted.own_loader, bytes)
    if not has_loader and (isinstance(wanted.host_floor, int) or isinstance(wanted.own_rpath, bytes)):
        raise CannotPatch(
            "the file has no loader of its own, beside which it could take the system's", "--own-loader gives it one"
        )
    if concerns_stub(image, wanted):
        from bundler.binaries.elf.stub_plan import plan_with_stub

        return plan_with_stub(file, image, wanted, _plan_encoded)
    return _plan_encoded(file, image, wanted)


def concerns_stub(image: Image, wanted: EncodedEdits) -> bool:
    """Whether the file of which `image` was read has an entry stub, or shall have one."""
    return image.stub is not None or isinstance(wanted.own_loader, bytes) or wanted.finds_itself is True


def _plan_encoded(file: BinaryIO, image: Image, wanted: EncodedEdits) -> PatchPlan | None:
    """The patch that does `wanted` but for the entry stub, to a file that has none."""
    headers = header_edits(file, image, wanted)
    planned = plan_unchecked(in_memory(file), image, wanted)
    if planned is None:
        return plan_headers(file, image, headers) if headers else None
    from bundler.binaries.elf.invariants import check_result  # not needed where nothing changes

    parsed, plan = planned
    check_result(parsed, wanted, plan)
    return plan
