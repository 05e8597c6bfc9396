"""Promise 6: after an error, a signal or on a full disk nothing is left, and what was there still is."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bundler.errors import OutputFailed
from bundler.sinks.claim import Claim
from bundler.sinks.directories.stage import Stage
from bundler.sinks.directories.writer import FileWriter
from tests.material.environments import FIXTURES, SLIM, bundler, clean
from tests.material.isolation import hidden
from tests.material.snapshots import snapshot


def interrupt(empty: Path, out: Path, phase: str, number: signal.Signals) -> None:
    """Pack over what is at `out`, and send a signal in the phase."""
    command = [sys.executable, "-m", "bundler", "pack", *SLIM, str(empty), "--out", str(out), "--force", "-v"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    )
    assert process.stderr is not None
    before = os.listdir(out.parent)
    for line in process.stderr:
        if line.startswith(phase):
            break
    if phase == "writing":
        deadline = time.monotonic() + 30
        while os.listdir(out.parent) == before and time.monotonic() < deadline:
            time.sleep(0.005)
        assert os.listdir(out.parent) != before, "the pack must have begun to write"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said


@pytest.mark.parametrize(
    ("phase", "number"), [("writing", signal.SIGINT), ("writing", signal.SIGTERM), ("verifying", signal.SIGTERM)]
)
@pytest.mark.parametrize("name", ["out", "out.tar.gz"])
def test_an_interrupted_pack_leaves_nothing(
    empty: Path, tmp_path: Path, phase: str, number: signal.Signals, name: str
) -> None:
    before = snapshot(empty)
    interrupt(empty, tmp_path / name, phase, number)
    assert os.listdir(tmp_path) == []
    assert snapshot(empty) == before


def test_a_pack_that_is_interrupted_while_its_archive_is_tried_leaves_nothing(empty: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bundler", "pack", *SLIM, str(empty), "--out", str(tmp_path / "out.tar"), "-q"]
    process = subprocess.Popen(command, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)})
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob(".out.tar.bundler-*/stage/bin/*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    assert any(tmp_path.glob(".out.tar.bundler-*/stage")), "the stage must have been begun"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_an_import_that_takes_its_time_is_not_waited_for(empty: Path, tmp_path: Path) -> None:
    own = tmp_path / "env"
    shutil.copytree(empty, own, symlinks=True)
    (next(own.glob("lib/python3*/site-packages")) / "late.py").write_text(
        f"import time\nfrom ctypes import CDLL\nopen({str(tmp_path / 'begun')!r}, 'w')\ntime.sleep(100)\nCDLL(None)\n"
    )
    command = [sys.executable, "-m", "bundler", "pack", *SLIM, str(own), "--out", str(tmp_path / "out")]
    variables = clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    _, said = process.communicate(timeout=110)
    assert process.returncode == 128 + signal.SIGINT, said
    assert time.monotonic() - begun < 30
    assert sorted(os.listdir(tmp_path)) == ["begun", "env"]


@pytest.mark.parametrize("phase", ["writing", "verifying"])
def test_an_interrupted_pack_keeps_the_bundle_that_was_there(empty: Path, tmp_path: Path, phase: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/bundle.json").write_text('{"bundler": "0"}')
    interrupt(empty, tmp_path / "out", phase, signal.SIGTERM)
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out/bundle.json").read_text() == '{"bundler": "0"}'


def test_a_directory_that_is_no_bundle_is_never_replaced(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis").write_text("years of work")
    done = bundler(["pack", *SLIM, empty, "--out", tmp_path / "out", "--force"])
    assert done.returncode == 1
    assert "no bundle" in done.stderr
    assert os.listdir(tmp_path / "out") == ["thesis"]


def test_a_full_disk_leaves_the_old_bundle(empty: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    (disk / "out").mkdir(parents=True)
    prepare = (
        f"mount -t tmpfs -o size=20m none {disk} && mkdir {disk}/out"
        f' && echo \'{{"bundler": "0"}}\' > {disk}/out/bundle.json'
    )
    command = [sys.executable, "-m", "bundler", "pack", *SLIM, empty, "--out", disk / "out", "--force"]
    script = f'"$@"; echo $? $(ls -A {disk} {disk}/out)'
    env = {"PYTHONPATH": str(FIXTURES.parent), "PATH": "/usr/bin:/bin"}
    done = hidden([], ["sh", "-c", script, "sh", *map(str, command)], env=env, prepare=prepare)
    assert done.stdout.split() == ["1", f"{disk}:", "out", f"{disk}/out:", "bundle.json"], done.stderr
    told = re.search(r"error: (\S+) has too little space: (\d+) MiB are needed, and (\d+) MiB are free", done.stderr)
    assert told is not None and (told[1], int(told[3])) == (str(disk), 19) and int(told[2]) > 19, done.stderr


def test_a_full_disk_says_what_an_archive_needs_the_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(self: FileWriter, gathered: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(FileWriter, "_write_all", fill)
    with (
        pytest.raises(OutputFailed, match="is run there first") as caught,
        Stage(str(tmp_path / "app.tar"), threads=1) as stage,
    ):
        stage.write([])
    assert "--no-verify" in caught.value.hint and os.listdir(tmp_path) == []


def test_of_two_packs_to_one_output_the_second_is_refused(empty: Path, tmp_path: Path) -> None:
    for name in ("out", "out.tar"):
        with Claim(str(tmp_path / name)):
            done = bundler(["pack", *SLIM, empty, "--out", tmp_path / name, "--force"])
            assert (done.returncode, f"another pack makes {tmp_path / name} now" in done.stderr) == (1, True), (
                done.stderr
            )
            assert not (tmp_path / name).exists() and len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.everything
@pytest.mark.parametrize("options", [["--no-verify"], ["--no-verify", "--force"]])
@pytest.mark.parametrize("name", ["out", "out.tar"])
def test_of_packs_that_begin_at_once_one_makes_the_output(
    empty: Path, tmp_path: Path, options: list[str], name: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "bundler",
        "pack",
        *SLIM,
        str(empty),
        "--out",
        str(tmp_path / name),
        "-q",
        *options,
    ]
    variables = clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    packs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) for _ in range(3)]
    said = [pack.communicate(timeout=120)[1] for pack in packs]
    statuses = sorted(pack.returncode for pack in packs)
    assert statuses[0] == 0 and (options[-1] == "--force" or statuses == [0, 1, 1]), said
    assert all(not text or "another pack makes" in text or "exists" in text for text in said)
    assert os.listdir(tmp_path) == [name]


def test_an_output_inside_of_what_is_packed_is_refused(empty: Path) -> None:
    done = bundler(["pack", *SLIM, empty, "--out", empty / "dist"])
    assert done.returncode == 1
    assert "lie one in the other" in done.stderr
    assert not (empty / "dist").exists()
