"""What somebody else unpacks he can read, run and enter, whatever umask the environment was made under."""

from __future__ import annotations

import pytest

from bundler.entries import Directory, Link
from bundler.options import ContentOptions
from bundler.plan import modes
from bundler.plan.modes import open_to_all, with_readable_modes, with_settled_modes
from bundler.plan.settings import settle_settings
from bundler.platforms import OperatingSystem
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


def test_in_an_archive_for_windows_names_tell_what_is_a_program() -> None:
    """Its files have no modes there: those of the machine that packs would be in the archive."""
    before = {
        path: entry(path, mode=0o600 if number % 2 else 0o777)
        for number, path in enumerate(
            ["python.exe", "Lib/os.py", "DLLs/_ssl.pyd", "Scripts/run.BAT", "Scripts/activate"]
        )
    } | {"Lib": entry("Lib", Directory(), mode=0o700)}
    after = with_settled_modes(before, OperatingSystem.WINDOWS, for_all=True)
    programs = {path for path, item in after.items() if item.mode == 0o755}
    assert programs == {"python.exe", "Scripts/run.BAT", "Lib"}
    assert {item.mode for path, item in after.items() if path not in programs} == {0o644}
    kept = {path: item.mode & 0o775 for path, item in before.items()}
    after = with_settled_modes(before, OperatingSystem.WINDOWS, for_all=False)
    assert {path: item.mode for path, item in after.items()} == kept, "a directory keeps the source's"
    assert with_settled_modes(before, OperatingSystem.LINUX, for_all=True)["python.exe"].mode == 0o775


@pytest.mark.parametrize("for_all", [True, False])
def test_nobody_else_may_write_to_a_file_or_folder_of_a_bundle(for_all: bool) -> None:
    before = {
        "open.py": entry("open.py", mode=0o666),
        "run": entry("run", mode=0o777),
        "d": entry("d", Directory(), mode=0o777),
        "shared": entry("shared", Directory(), mode=0o775),
        "l": entry("l", Link("run"), mode=0o777),
    }
    after = with_settled_modes(before, OperatingSystem.LINUX, for_all=for_all)
    assert {path: oct(item.mode) for path, item in after.items()} == {
        "open.py": "0o664",
        "run": "0o775",
        "d": "0o775",
        "shared": "0o775",
        "l": "0o777",
    }
    (told,) = open_to_all(before)
    assert told.startswith("anybody may write to d, open.py, run in the source")
    assert list(open_to_all(after)) == []


def test_a_machine_without_modes_has_none_of_its_own_to_give_to_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "HAS_DRIVES", True)
    before = {path: entry(path, mode=0o666) for path in ("python.exe", "Lib/os.py")}
    after = with_settled_modes(before, OperatingSystem.WINDOWS, for_all=False)
    assert [item.mode for item in after.values()] == [0o755, 0o644]


@pytest.mark.parametrize(
    ("is_archive", "keep", "readable"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_archives_are_opened_unless_their_modes_are_kept(
    machine: Machine, is_archive: bool, keep: bool, readable: bool
) -> None:
    content = ContentOptions(keep_modes=keep)
    settings = settle_settings(content, machine.environment, is_archive=is_archive, threads=1)
    assert settings.readable_for_all is readable
