"""The second reader on flags of the stack and on notes: what was asked for is there, and nothing else of them changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.audit.readers.comparison import PACKED, Asked
from bundler.binaries.elf import Edits
from bundler.binaries.elf import constants as c
from tests.audit.readers.changed import LONG, Changed, agreement, change, flipped, told
from tests.binaries.elf.notes import resolution_cache_note
from tests.binaries.elf.programs import compile_c

SECRET = "libm.so.6 =/nix/store/abc/lib/libm.so.6"


@pytest.fixture(params=[False, True], ids=["alone", "with a path"])
def changed(request: pytest.FixtureRequest, tmp_path: Path) -> Changed:
    """A library without code on its stack, and without the note, that it had."""
    text = resolution_cache_note(SECRET) + "int which(void) { return 1; }"
    library = compile_c(text, tmp_path / "lib.so", "-shared", "-fPIC", "-Wl,-z,execstack")
    edits = Edits(clear_execstack=True, without_resolution_cache=True)
    if request.param:
        edits = Edits(LONG, clear_execstack=True, without_resolution_cache=True)
    found = change(library.read_bytes(), edits)
    assert found is not None
    return found


def stack_flags(changed: Changed) -> int:
    """The offset of the flags of PT_GNU_STACK."""
    facts = changed.facts
    number = next(number for number, segment in enumerate(facts.segments) if segment.type == c.PT_GNU_STACK)
    return facts.header.phoff + number * facts.header.phentsize + 4


def test_both_readers_read_the_notes_and_what_was_asked_for_is_no_difference(changed: Changed) -> None:
    assert agreement(changed.source) == agreement(changed.data) == []
    assert told(changed) == told(changed, asked=PACKED) == []


def test_what_nobody_asked_for_is_told(changed: Changed) -> None:
    asked = Asked(search_path=True)
    said = " ".join(told(changed, asked=asked))
    assert "p_flags of program header" in said
    assert any("bytes at offset" in line for line in told(changed, asked=Asked(search_path=True, stack=True)))


def test_a_flag_that_is_still_there_is_told_and_so_is_another_one(changed: Changed) -> None:
    at = stack_flags(changed)
    again = flipped(changed.data, at, c.PF_X)
    assert told(changed, again)
    assert told(changed, again, PACKED) == []
    for bit in (c.PF_W, c.PF_R):
        assert told(changed, flipped(changed.data, at, bit), PACKED)


def test_each_byte_that_is_left_of_the_note_is_told(changed: Changed) -> None:
    place = changed.source.index(SECRET.encode())
    start = place - 20  # sizes, type and owner
    assert changed.source[place - 8 : place - 2] == b"NixOS\0"
    for at in range(start, place + len(SECRET) + 1):
        assert told(changed, flipped(changed.data, at)), at
    whole = changed.data[:place] + SECRET.encode() + changed.data[place + len(SECRET) :]
    assert "for the loader of NixOS" in " ".join(told(changed, whole))
