"""Strings are placed so that every string in use reads as before, and none that was given up stays behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bundler.binaries.elf.strings import StringTable, find_reusable, place_strings

TEXTS = st.text("ab/", min_size=1, max_size=6).map(str.encode)


def lay(data: bytes, texts: list[bytes], freed: set[int], live: list[int] | None) -> tuple[bytes, dict[bytes, int]]:
    table = StringTable(0, 0, data)
    reused = find_reusable(table, texts)
    users = None if live is None else [*live, *reused.values()]
    placement = place_strings(table, texts, reused, freed, users)
    in_place = bytearray(data)
    for at, change in placement.changes_in_place(len(data)).items():
        in_place[at : at + len(change)] = change
    whole = placement.apply(data)
    if placement.appended:
        assert bytes(in_place) + placement.appended[len(data) - placement.appended_at :] == whole.ljust(
            len(data), b"\0"
        )
    return whole, placement.indices


def read(data: bytes, index: int) -> bytes:
    return data[index : data.index(b"\0", index)]


@given(st.lists(TEXTS, max_size=8), st.lists(TEXTS, min_size=1, max_size=3), st.data())
def test_every_string_in_use_keeps_its_index(stored: list[bytes], texts: list[bytes], data: st.DataObject) -> None:
    table = b"\0" + b"".join(text + b"\0" * data.draw(st.integers(1, 3)) for text in stored)
    live = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=6))
    freed = data.draw(st.sets(st.integers(0, len(table) - 1), max_size=4)) - set(live)
    new, indices = lay(table, texts, freed, [0, *live])
    for index in live:
        assert read(new, index) == read(table, index)
    for text in texts:
        assert read(new, indices[text]) == text


@given(st.lists(TEXTS, max_size=8), st.lists(TEXTS, min_size=1, max_size=3))
def test_without_a_list_of_users_no_byte_changes(stored: list[bytes], texts: list[bytes]) -> None:
    table = b"\0" + b"".join(text + b"\0" for text in stored)
    new, indices = lay(table, texts, {1} if stored else set(), None)
    assert new.startswith(table)
    assert all(read(new, indices[text]) == text for text in texts)


def test_a_string_that_is_the_tail_of_another_is_not_stored_again() -> None:
    assert lay(b"\0/opt/libx.so\0", [b"libx.so"], set(), [1]) == (b"\0/opt/libx.so\0", {b"libx.so": 6})


def test_a_given_up_string_becomes_zeros() -> None:
    assert lay(b"\0/opt/libx.so\0", [b"libx.so"], {1}, [0]) == (b"\0\0\0\0\0\0libx.so\0", {b"libx.so": 6})


def test_a_new_string_may_keep_a_tail_that_is_in_use() -> None:
    new, indices = lay(b"\0/old/place/lib\0", [b"/a/newer/lib"], {1}, [0, 12])
    assert (new, indices) == (b"\0\0\0/a/newer/lib\0", {b"/a/newer/lib": 3})


def test_the_last_string_grows_where_it_stands() -> None:
    new, indices = lay(b"\0keep\0path\0", [b"longer path"], {6}, [0, 1])
    assert (new, indices) == (b"\0keep\0longer path\0", {b"longer path": 6})
