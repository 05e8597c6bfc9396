"""A plan that would break the file is not handed out."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest

from bundler.binaries.elf import Edits, ElfClass, PatchPlan, read_image
from bundler.binaries.elf import constants as c
from bundler.binaries.elf.encoded_edits import encode
from bundler.binaries.elf.image import Image
from bundler.binaries.elf.invariants import check_result
from bundler.binaries.elf.tiers import plan_unchecked
from bundler.binaries.patch import Literal, Patch
from bundler.errors import CannotPatch
from tests.binaries.elf.samples import STRINGS, make_sample

DATA = make_sample(ElfClass.ELF64, "little")
GROW = Edits("$ORIGIN/" + "a" * 200)


def check(edits: Edits, damage: Callable[[bytearray, Image], None]) -> None:
    file = io.BytesIO(DATA)
    image = read_image(file)
    planned = plan_unchecked(file, image, encode(edits))
    assert planned is not None
    parsed, plan = planned
    new = bytearray(b"".join(plan.patch.read(file)))
    damage(new, read_image(io.BytesIO(new)))
    check_result(parsed, encode(edits), PatchPlan(Patch((Literal(bytes(new)),)), plan.tier, plan.explanation))


def put(new: bytearray, at: int, number: int, code: str = "<Q") -> None:
    struct.pack_into(code, new, at, number)


def segment_at(number: int, field: int) -> int:
    return 64 + 56 * number + 8 * field


def entry_at(image: Image, tag: int) -> int:
    assert image.dynamic is not None
    place = next(segment for segment in image.segments if segment.type == c.PT_DYNAMIC)
    return place.offset + 16 * [entry.tag for entry in image.dynamic].index(tag)


def string_at(new: bytearray, text: bytes) -> int:
    return new.rindex(b"\0" + text + b"\0") + 1


def test_an_undamaged_result_passes() -> None:
    check(GROW, lambda new, image: None)
    check(Edits("$ORIGIN"), lambda new, image: None)
    check(Edits(None), lambda new, image: None)


DAMAGES: dict[str, tuple[str, Callable[[bytearray, Image], None]]] = {
    "another machine": ("e_machine", lambda new, image: put(new, 18, 3, "<H")),
    "a moved segment": ("segments keep", lambda new, image: put(new, segment_at(0, 2), 0x50000)),
    "a file offset off the page": ("address and offset", lambda new, image: put(new, segment_at(0, 1), 0x400)),
    "a shrunk segment": ("only grow", lambda new, image: put(new, segment_at(0, 4), 16)),
    "a segment over the next": ("share a page", lambda new, image: put(new, segment_at(0, 5), 0x12000)),
    "an unterminated dynamic section": (
        "DT_NULL", lambda new, image: put(new, segment_at(2, 4), 7 * 16),
    ),
    "a table behind the file": (
        "no PT_LOAD holds the string table", lambda new, image: put(new, entry_at(image, c.DT_STRSZ) + 8, 1 << 30),
    ),
    "a lost library": ("needed", lambda new, image: put(new, entry_at(image, c.DT_NEEDED), 0x60000000)),
    "another soname": ("DT_SONAME", lambda new, image: put(new, entry_at(image, c.DT_SONAME) + 8, 1)),
    "another search path": ("DT_RPATH", lambda new, image: put(new, entry_at(image, c.DT_RPATH) + 8, 1)),
    "a runpath": ("DT_RPATH", lambda new, image: put(new, entry_at(image, c.DT_RPATH), c.DT_RUNPATH)),
    "a moved symbol table": ("unchanged", lambda new, image: put(new, entry_at(image, c.DT_SYMTAB) + 8, 64)),
    "a symbol with another name": (
        "name at index", lambda new, image: new.__setitem__(string_at(new, b"which"), ord("X")),
    ),
    "a section outside of segments": (
        "lies in a PT_LOAD", lambda new, image: put(new, len(new) - 64 * 3 + 16, 0x900000),
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_finds(damage: str) -> None:
    claim, do = DAMAGES[damage]
    with pytest.raises(CannotPatch, match=claim):
        check(GROW, do)


def test_the_sample_has_one_symbol_name() -> None:
    assert STRINGS.count(b"which") == 1
