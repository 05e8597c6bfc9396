"""Stages hand entries on, and change none that they were given."""

from __future__ import annotations

from bundler.entries import Deferred, Directory
from bundler.plan.overlay import in_order, overlaid, without
from tests.plan.made_up import entries, entry


def test_what_is_laid_over_wins_but_a_folder_stays_the_one_that_it_is() -> None:
    lower = entries(entry("a", "old"), entry("d", Directory(), mode=0o700), entry("f", "file"), "kept")
    upper = (entry("a", "new"), entry("d", Directory(), mode=0o755), entry("f", Directory()))
    before = dict(lower)
    result = overlaid(lower, upper)
    assert result == {"a": upper[0], "d": lower["d"], "f": upper[2], "kept": lower["kept"]}
    assert lower == before


def test_what_is_taken_away_is_no_longer_there() -> None:
    whole = entries("a", "b")
    assert without(whole, {"a", "c"}) == entries("b")
    assert set(whole) == {"a", "b"}


def test_folders_come_before_what_is_in_them_and_what_needs_digests_last() -> None:
    late = entry("a/RECORD")._replace(content=Deferred(lambda _: b""))
    items = entries("b", late, "a/x", "a/")
    assert [item.path for item in in_order(items)] == ["a", "a/x", "b", "a/RECORD"]
