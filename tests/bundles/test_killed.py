"""Packs that are stopped, killed or run out of space at moments that nobody chose: all or nothing, and the next one clears up."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.material.environments import FIXTURES, SLIM, bundler, clean, empty_environment, pack, run
from tests.material.isolation import hidden
from tests.material.programs import need
from tests.material.snapshots import Snapshot, snapshot

ARCHIVES = ("tar.gz", "tar.zst", "zip", "run", "oci.tar", "squashfs")
OUTPUTS = ("directory", "update", *ARCHIVES)
QUICK = ("directory", "tar.zst")
HITS = 4
"""Packs that a signal must have stopped before it is enough."""
MOST_PACKS = 16
SIZES = range(1, 25)
"""Megabytes of a disk on which no output has room."""
VARIABLES = clean() | {"PYTHONPATH": str(FIXTURES.parent)}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment without packages; the interpreter is work enough."""
    return empty_environment(tmp_path_factory.mktemp("killed") / "env")


def every(*names: str) -> list[object]:
    """The names as parameters, most of them for the slow tier."""
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.everything) for name in names]


@dataclass(frozen=True)
class Packing:
    """Packs of one environment to one output, alone in its folder; one file of the environment can be changed in between."""

    environment: Path
    kind: str
    folder: Path
    options: tuple[str, ...] = ()

    @property
    def out(self) -> Path:
        return self.folder / ("app" if self.kind in ("directory", "update") else f"app.{self.kind}")

    @property
    def changing(self) -> Path:
        return self.environment / "extra.txt"

    @property
    def speed(self) -> list[str]:
        """Its options, and what makes an archive quickly."""
        return [*self.options, *(["--level", "1"] if self.kind in ARCHIVES else [])]

    @property
    def command(self) -> list[str]:
        if self.kind == "squashfs":
            need("mksquashfs")
        mode = "--update" if self.kind == "update" else "--force"
        words = [sys.executable, "-m", "bundler", "pack", str(self.environment), "--out", str(self.out)]
        return [*words, "--no-verify", "-q", mode, *self.speed]

    def pack(self) -> float:
        """Pack undisturbed; the seconds that it takes."""
        begin = time.monotonic()
        run(self.command, env=VARIABLES)
        return time.monotonic() - begin

    def pack_until(self, number: signal.Signals, delay: float) -> tuple[bool, str]:
        """Pack, and send a signal after some seconds; whether that ended it, and what it said."""
        process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True, env=VARIABLES)
        time.sleep(delay)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        return process.returncode in (-number, 128 + number), said

    def beside(self) -> list[str]:
        """What is in the folder but for the output."""
        return sorted({*os.listdir(self.folder)} - {self.out.name})

    def source(self) -> Snapshot:
        """The environment without the file that is changed."""
        return {path: facts for path, facts in snapshot(self.environment).items() if path != str(self.changing)}


def content(out: Path) -> object:
    """What is at an output, to the byte."""
    if not out.is_dir():
        return out.read_bytes() if out.exists() else None
    tree = {os.path.relpath(path, out): facts for path, facts in snapshot(out).items()}
    return {path: (facts.mode, facts.content) for path, facts in tree.items() if path != "."}


def moments() -> list[object]:
    """Outputs and signals. What a signal that is heard leaves of an archive stands in test_all_or_nothing, too."""
    quick = {("directory", signal.SIGINT), *((kind, signal.SIGKILL) for kind in QUICK)}
    names = {signal.SIGINT: "stopped", signal.SIGKILL: "killed"}
    return [
        pytest.param(kind, number, id=f"{kind}-{name}", marks=() if (kind, number) in quick else pytest.mark.everything)
        for kind in OUTPUTS
        for number, name in names.items()
    ]


@pytest.mark.parametrize(("kind", "number"), moments())
def test_at_any_moment_it_is_the_old_or_the_new_and_the_next_pack_clears_up(
    environment: Path, tmp_path: Path, chosen: random.Random, kind: str, number: signal.Signals
) -> None:
    packing = Packing(environment, kind, tmp_path / "dist", SLIM)
    packing.folder.mkdir()
    packing.changing.write_text("old")
    packing.pack()
    seconds = packing.pack()
    old, source = content(packing.out), packing.source()
    packing.changing.write_text("new")
    aside = tmp_path / packing.out.name
    pack(environment, aside, "--no-verify", "-q", *packing.speed)
    new = content(aside)

    hits = 0
    for _ in range(MOST_PACKS):
        delay = chosen.uniform(0.05, seconds)
        hit, said = packing.pack_until(number, delay)
        assert content(packing.out) in (old, new), f"after {delay} s, said {said}"
        left = packing.beside()
        assert len(left) <= 2 * (number is signal.SIGKILL), left  # the claim, and the folder of what was begun
        assert all(name.startswith(f".{packing.out.name}.bundler-") for name in left)
        hits += hit
        if hits == HITS:
            break
    assert hits, "at least one must have been hit"

    assert packing.source() == source
    packing.pack()
    assert packing.beside() == []
    assert bundler(["verify", packing.out, "--no-run"]).returncode == 0


@pytest.mark.parametrize("kind", every(*OUTPUTS))
def test_on_a_disk_of_any_size_nothing_is_left_where_it_did_not_suffice(
    environment: Path, tmp_path: Path, chosen: random.Random, kind: str
) -> None:
    packing = Packing(environment, kind, tmp_path / "disk")
    packing.folder.mkdir()
    before = snapshot(environment)
    for size in chosen.sample(SIZES, 3):
        prepare = f"mount -t tmpfs -o size={size}m none {packing.folder}"
        if kind == "update":
            manifest = '{"bundler": "0", "schema": 1}'
            prepare += f" && mkdir {packing.out} && echo '{manifest}' > {packing.out}/bundle.json"
        script = f'"$@"; echo $? $(ls -A {packing.folder})'
        env = {"PYTHONPATH": str(FIXTURES.parent), "PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
        done = hidden([], ["sh", "-c", script, "sh", *packing.command], env=env, prepare=prepare)
        assert done.stdout.split() == ["1", *(["app"] if kind == "update" else [])], (size, done.stderr)
        assert "Traceback" not in done.stderr
        assert re.search(r"o space left|too little space|mksquashfs ended", done.stderr), done.stderr
    assert snapshot(environment) == before
