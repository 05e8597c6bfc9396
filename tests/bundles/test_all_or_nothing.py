"""Promise 6: after an error, a signal or on a full disk nothing is left, and what was there still is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bundles.conftest import Sample
from tests.material.environments import FIXTURES, bundler, clean
from tests.material.isolation import hidden


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["out", "out.tar.gz"])
def test_an_interrupted_pack_leaves_nothing(sample: Sample, tmp_path: Path, number: signal.Signals, name: str) -> None:
    command = [sys.executable, "-m", "bundler", "pack", str(sample.environment), "--out", str(tmp_path / name), "-v"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("writing"):
            break
    deadline = time.monotonic() + 30
    while not os.listdir(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert os.listdir(tmp_path), "the pack must have begun to write"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert os.listdir(tmp_path) == []


def test_a_directory_that_is_no_bundle_is_never_replaced(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis").write_text("years of work")
    done = bundler(["pack", sample.environment, "--out", tmp_path / "out", "--force"])
    assert done.returncode == 1
    assert "no bundle" in done.stderr
    assert os.listdir(tmp_path / "out") == ["thesis"]


def test_a_full_disk_leaves_the_old_bundle(sample: Sample, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    (disk / "out").mkdir(parents=True)
    prepare = (
        f"mount -t tmpfs -o size=20m none {disk} && mkdir {disk}/out"
        f' && echo \'{{"bundler": "0"}}\' > {disk}/out/bundle.json'
    )
    command = [sys.executable, "-m", "bundler", "pack", sample.environment, "--out", disk / "out", "--force"]
    script = f'"$@"; echo $? $(ls -A {disk} {disk}/out)'
    env = {"PYTHONPATH": str(FIXTURES.parent), "PATH": "/usr/bin:/bin"}
    done = hidden([], ["sh", "-c", script, "sh", *map(str, command)], env=env, prepare=prepare)
    assert done.stdout.split() == ["1", f"{disk}:", "out", f"{disk}/out:", "bundle.json"], done.stderr
    assert "No space left" in done.stderr


def test_an_output_inside_of_what_is_packed_is_refused(sample: Sample) -> None:
    done = bundler(["pack", sample.environment, "--out", sample.environment / "dist"])
    assert done.returncode == 1
    assert "lie one in the other" in done.stderr
    assert not (sample.environment / "dist").exists()
