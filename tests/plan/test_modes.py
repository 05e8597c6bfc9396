"""What somebody else unpacks he can read, run and enter, whatever umask the environment was made under."""

from __future__ import annotations

import pytest

from bundler.entries import Directory, Link
from bundler.options import ContentOptions
from bundler.plan.modes import with_readable_modes
from bundler.plan.settings import settle_settings
from tests.plan.made_up import Machine, entry


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o600, 0o644), (0o700, 0o755), (0o644, 0o644), (0o640, 0o644), (0o200, 0o200), (0o555, 0o555), (0o666, 0o666)],
)
def test_a_file_that_its_owner_may_read_or_run_is_open_to_all(before: int, after: int) -> None:
    assert with_readable_modes({"x": entry("x", mode=before)})["x"].mode == after


def test_a_folder_can_be_entered_and_a_link_stays(machine: Machine) -> None:
    found = with_readable_modes(
        {
            "d": entry("d", Directory(), mode=0o700),
            "l": entry("l", Link("d"), mode=0o777),
            "c": entry("c", Directory(), mode=0o400),
        }
    )
    assert {path: item.mode for path, item in found.items()} == {"d": 0o755, "l": 0o777, "c": 0o555}


@pytest.mark.parametrize(
    ("is_archive", "keep", "readable"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_archives_are_opened_unless_their_modes_are_kept(
    machine: Machine, is_archive: bool, keep: bool, readable: bool
) -> None:
    content = ContentOptions(keep_modes=keep)
    settings = settle_settings(content, machine.environment, is_archive=is_archive, threads=1)
    assert settings.readable_for_all is readable
