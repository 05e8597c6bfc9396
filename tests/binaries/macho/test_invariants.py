"""A patch that would break a file is refused before anybody sees the file."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from bundler.binaries.macho import Edits, plan_patch
from bundler.binaries.macho import constants as c
from bundler.binaries.macho.invariants import check_result
from bundler.binaries.macho.slices import plan_unchecked
from bundler.binaries.patch import Literal, Patch, Range, splice
from bundler.errors import BinaryFormatError, CannotPatch
from tests.binaries.macho.patching import image_of
from tests.binaries.macho.samples import make_sample

EDITS = Edits(install_name="@rpath/x")
DATA = make_sample(cpu=(c.CPU_X86_64, 3))


def check(patch: Patch, edits: Edits = EDITS) -> None:
    image = image_of(DATA)
    plan = plan_unchecked(io.BytesIO(DATA), image, EDITS)
    assert plan is not None
    check_result(io.BytesIO(DATA), image, edits, replace(plan, patch=patch))


def good() -> Patch:
    plan = plan_unchecked(io.BytesIO(DATA), image_of(DATA), EDITS)
    assert plan is not None
    return plan.patch


def test_the_planned_patch_passes() -> None:
    check(good())


def test_contents_that_are_not_the_sources_are_refused() -> None:
    head, rest = good().pieces
    assert isinstance(rest, Range)
    broken = Patch((head, Range(rest.offset, 100), Literal(bytes(4)), Range(rest.offset + 104, rest.length - 104)))
    with pytest.raises(CannotPatch, match="contents"):
        check(broken)


def test_contents_that_move_are_refused() -> None:
    head, rest = good().pieces
    assert isinstance(head, Literal)
    with pytest.raises(CannotPatch):
        check(Patch((Literal(head.data + bytes(8)), rest)))


def test_a_name_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(CannotPatch, match="install name"):
        check(good(), Edits(install_name="@rpath/other"))
    at = DATA.index(b"/opt/lib/libone.dylib")
    changes = {at: b"/opt/lib/libOTHER.dyl"}
    with pytest.raises(CannotPatch, match="libraries keep"):
        check(splice(len(DATA), changes, {}), Edits(install_name="/opt/lib/libsample.dylib"))


def test_another_command_that_changes_is_refused() -> None:
    at = DATA.index(b"/opt/lib\0")
    with pytest.raises(CannotPatch, match="rpaths"):
        check(splice(len(DATA), {at: b"/OPT"}, {}), Edits(install_name="/opt/lib/libsample.dylib"))


def test_a_damaged_original_is_not_blamed_on_its_patch() -> None:
    """A section whose contents lie beyond the file: macholib raises OSError."""
    at = DATA.index(b"__text") + 48
    data = DATA[:at] + b"\xff\xff\xff\x00" + DATA[at + 4 :]
    with pytest.raises(BinaryFormatError, match="the file is damaged: macholib cannot read it"):
        plan_patch(io.BytesIO(data), image_of(data), EDITS)
