"""Apply edits to Mach-O files, and have the outcome judged by everybody at hand."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

from bundler.binaries.macho import Edits, Image, PatchPlan, plan_patch, read_image
from bundler.binaries.macho.slices import plan_unchecked
from tests.binaries.macho.verifier import slices_of, verify
from tests.material.programs import need


def image_of(data: bytes) -> Image:
    """The image of a file's bytes."""
    return read_image(io.BytesIO(data))


def plan(data: bytes, edits: Edits) -> PatchPlan:
    """The plan for edits that change something."""
    found = plan_patch(io.BytesIO(data), image_of(data), edits)
    assert found is not None, "the edits change nothing"
    return found


def patch(data: bytes, edits: Edits) -> bytes:
    """A file's bytes with the edits done."""
    found = plan(data, edits)
    new = b"".join(found.patch.read(io.BytesIO(data)))
    assert len(new) == found.patch.size
    assert plan_unchecked(io.BytesIO(new), image_of(new), edits) is None or edits.thin
    return new


def judge(path: Path) -> None:
    """Every reader at hand accepts the file: macholib, LIEF, LLVM's; and its signatures are true."""
    lief = pytest.importorskip("lief", reason="needs lief (pip install lief)")
    from macholib.MachO import MachO

    data = path.read_bytes()
    for one in slices_of(data):
        if one[:4] == b"\xcf\xfa\xed\xfe":
            verify(one)
    MachO(str(path), allow_unknown_load_commands=True)
    binaries = lief.MachO.parse(str(path))
    assert binaries is not None
    for binary in binaries:
        good, message = lief.MachO.check_layout(binary)
        assert good, message
    for command in (["llvm-otool", "-l"], ["llvm-objdump", "--macho", "--private-headers"]):
        done = subprocess.run(
            [need(command[0]), *command[1:], path],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
