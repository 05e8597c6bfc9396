"""One output is made by one pack at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bundler.destination import InPlace, ToDirectory, ToFile, ToStandardOutput
from bundler.errors import OutputExists, OutputFailed
from bundler.formats import archive_named
from bundler.sinks import claim
from bundler.sinks.claim import Claim, claim_output
from tests.material.environments import FIXTURES, clean

HOLD = """
import sys, time
from bundler.sinks.claim import Claim
with Claim(sys.argv[1]):
    print("held", flush=True)
    time.sleep(100)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "_SECONDS", 0.05)


def test_who_comes_second_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    with Claim(out):
        with pytest.raises(OutputExists, match=f"another pack makes {out} now"), Claim(out):
            pass
        with Claim(str(tmp_path / "other")):
            pass
    with Claim(out):
        pass
    assert os.listdir(tmp_path) == []


def test_a_claim_ends_with_its_process_however_that_ends(tmp_path: Path) -> None:
    out = tmp_path / "out"
    variables = clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    holding = subprocess.Popen([sys.executable, "-c", HOLD, str(out)], stdout=subprocess.PIPE, env=variables)
    assert holding.stdout is not None and holding.stdout.readline() == b"held\n"
    with pytest.raises(OutputExists), Claim(str(out)):
        pass
    holding.send_signal(signal.SIGKILL)
    holding.wait()
    assert len(os.listdir(tmp_path)) == 1
    with Claim(str(out)):
        pass
    assert os.listdir(tmp_path) == []


def test_a_killed_pack_may_take_a_moment_to_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Claim(str(tmp_path / "out")) as held:
        monkeypatch.setattr(claim, "_SECONDS", 60)
        monkeypatch.setattr("time.sleep", lambda _: held.__exit__(None, None, None))
        with Claim(str(tmp_path / "out")):
            pass


def test_folders_above_are_made_and_go_again_if_nothing_came(tmp_path: Path) -> None:
    with Claim(str(tmp_path / "new/deep/out")):
        assert (tmp_path / "new/deep").is_dir()
    assert os.listdir(tmp_path) == []
    with Claim(str(tmp_path / "new/deep/out")):
        (tmp_path / "new/deep/out").mkdir()
    assert os.listdir(tmp_path / "new/deep") == ["out"]
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match=r"Not a directory|File exists"), Claim(str(tmp_path / "file/out")):
        pass


def test_an_output_has_one_claim_by_whatever_name_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    by_link = str(tmp_path / "link")
    for destination in (ToDirectory(by_link, update=True), InPlace(by_link)):
        with (
            claim_output(ToDirectory(str(tmp_path / "real/"), force=True)),
            pytest.raises(OutputExists),
            claim_output(destination),
        ):
            pass
    tar = archive_named("tar")
    with claim_output(ToFile(str(tmp_path / "a.tar"), tar)), claim_output(ToStandardOutput(tar)):
        assert len(os.listdir(tmp_path)) == 3


def test_without_locks_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))  # NFS

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Claim(str(tmp_path / "out")), Claim(str(tmp_path / "out")):
        assert os.listdir(tmp_path) == []


def test_a_mount_point_is_locked_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(tmp_path))
    with Claim(str(tmp_path)):
        assert os.listdir(tmp_path) == []
        with pytest.raises(OutputExists), Claim(str(tmp_path)):
            pass
    with claim_output(ToDirectory(str(tmp_path), update=True)), Claim(str(tmp_path)):
        pass  # an update locks it by itself
