"""Temporary folders: those of killed processes go with the next one, and nobody else's."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bundler.machine.temporary_folder import TemporaryFolder, clear_abandoned


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_a_killed_process_left_goes_with_the_next_one_after_an_hour(tmp_path: Path) -> None:
    for name in ("some-old", "some-young", "other-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "some-file").touch()
    for name in ("some-old", "other-old", "some-file"):
        age(tmp_path / name, 4000)
    with TemporaryFolder("some-", str(tmp_path)) as folder:
        assert sorted(os.listdir(tmp_path)) == sorted(["other-old", "some-young", os.path.basename(folder)])
    assert sorted(os.listdir(tmp_path)) == ["other-old", "some-young"]


def test_one_that_is_in_use_stays_however_old_it_is(tmp_path: Path) -> None:
    with TemporaryFolder("some-", str(tmp_path)) as folder:
        age(Path(folder), 10**6)
        clear_abandoned(str(tmp_path), "some-")
        assert os.path.isdir(folder)
    assert os.listdir(tmp_path) == []
