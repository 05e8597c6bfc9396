"""Times of an archive's files: one for all, or what follows from a module's content."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundler.entries import Directory, Link, Source
from bundler.errors import BundlerError
from bundler.plan.times import source_date_epoch, with_fixed_times
from tests.plan.made_up import SITE, entries, entry

SECOND = 10**9
EPOCH = 1_600_000_000
MODULES = entries(*(entry(f"{SITE}/{name}.py", name, mtime_ns=7) for name in ("a", "b", "c", "d")))
OTHERS = entries(entry("data", "x", mtime_ns=7), entry("d", Directory()), entry("link.py", Link("data")))


def seconds(epoch: int, *, spread: bool) -> dict[str, int]:
    """How many seconds before the epoch the time of each path lies."""
    times = {
        path: item.mtime_ns for path, item in with_fixed_times({**MODULES, **OTHERS}, epoch, spread=spread).items()
    }
    assert all(time % SECOND == 0 for time in times.values())
    return {path: epoch - time // SECOND for path, time in times.items()}


def test_everything_has_one_time() -> None:
    assert set(seconds(EPOCH, spread=False).values()) == {0}


def test_modules_have_times_of_their_own_that_zip_can_tell() -> None:
    earlier = seconds(EPOCH, spread=True)
    assert {path: earlier[path] for path in OTHERS} == dict.fromkeys(OTHERS, 0)
    times = {earlier[path] for path in MODULES}
    assert len(times) == len(MODULES)
    assert all(0 <= time < 28 * 24 * 3600 and time % 2 == 0 for time in times)


def test_the_time_follows_from_the_content_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a")
    file = entry("elsewhere/a.py", mtime_ns=9)._replace(content=Source(str(tmp_path / "a.py"), 1))
    both = with_fixed_times({**MODULES, **entries(file)}, EPOCH, spread=True)
    assert both["elsewhere/a.py"].mtime_ns == both[f"{SITE}/a.py"].mtime_ns


def test_no_time_lies_before_the_beginning_of_all_times() -> None:
    assert all(0 <= time <= 3 for time in seconds(3, spread=True).values())
    assert set(seconds(0, spread=True).values()) == {0}


@pytest.mark.parametrize(
    ("variables", "epoch"),
    [
        ({}, None),
        ({"SOURCE_DATE_EPOCH": ""}, None),
        ({"SOURCE_DATE_EPOCH": "0"}, 0),
        ({"SOURCE_DATE_EPOCH": "1700000000"}, 1_700_000_000),
    ],
)
def test_source_date_epoch_is_a_number_of_seconds(variables: dict[str, str], epoch: int | None) -> None:
    assert source_date_epoch(variables) == epoch


@pytest.mark.parametrize("wrong", ["yesterday", "-1", "1.5", "٣", "99999999999999"])
def test_a_source_date_epoch_that_is_no_number_is_an_error(wrong: str) -> None:
    with pytest.raises(BundlerError, match="SOURCE_DATE_EPOCH"):
        source_date_epoch({"SOURCE_DATE_EPOCH": wrong})
