"""Packs that are stopped, killed or run out of space at moments that nobody chose: all or nothing, and the next one clears up."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, bundler, clean, make, pack
from tests.material.interpreters import main_python
from tests.material.isolation import hidden
from tests.material.snapshots import snapshot

ARCHIVES = ("tar.gz", "tar.zst", "zip", "run", "oci.tar", "squashfs")
OUTPUTS = ("directory", "update", *ARCHIVES)
QUICK = ("directory", "tar.zst")
ROUNDS = 4


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without packages; the interpreter is work enough."""
    return make("venv", main_python(), tmp_path_factory.mktemp("killed") / "env")


def every(*names: str) -> list[object]:
    """The names as parameters, most of them for the slow tier."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.everything) for name in names]


def command(environment: Path, kind: str, out: Path) -> list[str]:
    if kind == "squashfs" and shutil.which("mksquashfs") is None:
        pytest.skip("mksquashfs is not installed (apt-get install squashfs-tools)")
    options = ["--update"] if kind == "update" else ["--force"]
    options += ["--level", "1"] if kind in ARCHIVES else []
    return [sys.executable, "-m", "bundler", "pack", str(environment), "--out", str(out), "--no-verify", "-q", *options]


def start(words: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    )


def content(out: Path) -> object:
    """What is at the output, to the byte."""
    if out.is_dir():
        return {
            os.path.relpath(path, out): (facts[0], facts[-1])
            for path, facts in snapshot(out).items()
            if path != str(out)
        }
    return out.read_bytes() if out.exists() else None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["stopped", "killed"])
@pytest.mark.parametrize("kind", every(*OUTPUTS))
def test_at_any_moment_it_is_the_old_or_the_new_and_the_next_pack_clears_up(
    environment: Path, tmp_path: Path, kind: str, number: signal.Signals
) -> None:
    folder = tmp_path / "dist"
    folder.mkdir()
    out = folder / ("app" if kind in ("directory", "update") else f"app.{kind}")
    extra = environment / "extra.txt"
    extra.write_text("old")
    done = subprocess.run(
        command(environment, kind, out), check=False, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    )
    assert done.returncode == 0
    begin = time.monotonic()
    subprocess.run(command(environment, kind, out), check=True, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)})
    duration = time.monotonic() - begin
    old = content(out)
    source = snapshot(environment)
    extra.write_text("new")
    pack(environment, tmp_path / out.name, "--no-verify", "-q", *(["--level", "1"] if kind in ARCHIVES else []))
    new = content(tmp_path / out.name)
    hits = 0
    for _ in range(4 * ROUNDS):
        process = start(command(environment, kind, out))
        delay = random.uniform(0.05, duration)
        time.sleep(delay)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        found = content(out)
        assert found in (old, new), f"after {delay} s, said {said}"
        hits += process.returncode in (-number, 128 + number)
        left = sorted(set(os.listdir(folder)) - {out.name})
        assert len(left) <= (number is signal.SIGKILL), left
        assert all(name.startswith(f".{out.name}.bundler-") for name in left)
        if hits == ROUNDS:
            break
    assert hits, "at least one must have been hit"
    assert {path: facts for path, facts in snapshot(environment).items() if path != str(extra)} == {
        path: facts for path, facts in source.items() if path != str(extra)
    }
    done = subprocess.run(
        command(environment, kind, out), check=False, env=clean() | {"PYTHONPATH": str(FIXTURES.parent)}
    )
    assert done.returncode == 0
    assert os.listdir(folder) == [out.name]
    assert bundler(["verify", out, "--no-run"]).returncode == 0


@pytest.mark.parametrize("kind", every(*OUTPUTS))
def test_on_a_disk_of_any_size_nothing_is_left_where_it_did_not_suffice(
    environment: Path, tmp_path: Path, kind: str
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    out = disk / ("app" if kind in ("directory", "update") else f"app.{kind}")
    before = snapshot(environment)
    for size in random.sample(range(1, 25), 3):
        prepare = f"mount -t tmpfs -o size={size}m none {disk}"
        if kind == "update":
            prepare += f' && mkdir {out} && echo \'{{"bundler": "0", "schema": 1}}\' > {out}/bundle.json'
        script = f'"$@"; echo $? $(ls -A {disk})'
        env = {"PYTHONPATH": str(FIXTURES.parent), "PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        done = hidden([], ["sh", "-c", script, "sh", *command(environment, kind, out)], env=env, prepare=prepare)
        assert done.stdout.split() == ["1", *(["app"] if kind == "update" else [])], (size, done.stderr)
        assert "Traceback" not in done.stderr
        assert "o space left" in done.stderr or "mksquashfs ended" in done.stderr
    assert snapshot(environment) == before
