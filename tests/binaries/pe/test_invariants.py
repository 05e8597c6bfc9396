"""A result that breaks a rule is refused, whoever made it."""

from __future__ import annotations

import dataclasses
import io

import pytest

from bundler.binaries.patch import Literal, Patch, Piece, Range, join, overwrite
from bundler.binaries.pe import Edits
from bundler.binaries.pe import constants as c
from bundler.binaries.pe.invariants import check_result
from bundler.errors import CannotPatch
from tests.binaries.pe.judging import plan
from tests.binaries.pe.shapes import bound, fixture, image_of, signed

NAMES = {"which.dll": "who.dll"}
DATA = fixture()


def check(patch: Patch, data: bytes = DATA) -> None:
    found = plan(data, NAMES)
    assert found is not None
    check_result(io.BytesIO(data), image_of(data), Edits(NAMES), dataclasses.replace(found, patch=patch))


def good(data: bytes = DATA) -> Patch:
    found = plan(data, NAMES)
    assert found is not None
    return found.patch


def also(patch: Patch, place: int, new: bytes) -> Patch:
    """The patch, which writes `new` at an offset, too."""
    pieces: list[Piece] = []
    position = 0
    for piece in patch.pieces:
        if isinstance(piece, Range) and position <= place < position + piece.length:
            before = place - position
            pieces += [Range(piece.offset, before), Literal(new)]
            pieces.append(Range(piece.offset + before + len(new), piece.length - before - len(new)))
        else:
            pieces.append(piece)
        position += piece.length
    return join(pieces)


def test_the_patcher_s_own_results_pass() -> None:
    for data in (DATA, signed(DATA), bound(DATA)):
        check(good(data), data)


HEADERS = image_of(DATA).headers


@pytest.mark.parametrize(
    ("place", "new", "said"),
    [
        (HEADERS.pe_offset + 4, b"\x4c\x01", "machine stays as it is"),
        (HEADERS.optional_offset + 68, b"\x02", "subsystem stays as it is"),
        (HEADERS.optional_offset + 56, b"\0\0\0\1", "the size in memory is that of all sections"),
        (HEADERS.directories_offset + 8 * c.RESOURCE, b"\0\x10", "data directory 2 stays as it is"),
        (HEADERS.section_table, b"x", "sections stay where they are"),
        (HEADERS.sections[0].raw_offset, b"\xcc", "1 bytes at offset 1024 belong to no name, header or table"),
    ],
    ids=["machine", "subsystem", "size", "directory", "section", "code"],
)
def test_what_nobody_may_change_is_found(place: int, new: bytes, said: str) -> None:
    with pytest.raises(CannotPatch, match=said):
        check(also(good(), place, new))


def test_bytes_that_move_are_found() -> None:
    last = good().pieces[-1]
    assert isinstance(last, Range)
    swapped = [Range(last.offset, 600), Range(last.offset + 601, 1), Range(last.offset + 600, 1)]
    rest = Range(last.offset + 602, last.length - 602)
    with pytest.raises(CannotPatch, match="bytes stay where they are"):
        check(join([*good().pieces[:-1], *swapped, rest]))


def test_names_that_were_not_asked_for_are_found() -> None:
    with pytest.raises(CannotPatch, match="DLLs keep their order and get the names asked for"):
        check(overwrite(len(DATA), {}))


def test_a_signature_and_bindings_that_stay_are_found() -> None:
    name = HEADERS.place(image_of(DATA).imports[0].name_address, "a name")[0]
    for data, said in ((signed(DATA), "no signature"), (bound(DATA), "bound to nothing")):
        with pytest.raises(CannotPatch, match=said):
            check(overwrite(len(data), {name: b"who.dll\0\0"}), data)
