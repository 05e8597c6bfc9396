"""Patches of earlier packs: recalled for the same file and the same edits, forgotten where anything is different."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bundler.binaries
from bundler.binaries.elf import Edits, PatchPlan
from bundler.binaries.elf.edits import Tier
from bundler.binaries.patch import Computed, Literal, Patch, Piece, Range, Zeros
from bundler.entries import Entry, Layer, Patched, Source, stamp_of
from bundler.environment import load_environment
from bundler.memory import open_memory
from bundler.memory import patches as patch_cache
from bundler.memory.patches import Planned, open_patch_cache
from bundler.plan.binaries.linux import patching
from bundler.plan.make import make_plan
from bundler.systems.linux.closure import ElfFile
from tests.material.environments import empty_environment

EDITS = Edits(rpath="$ORIGIN/../lib", needed={"liba.so": "libb.so"})
PIECES = (Range(0, 5), Literal(b"\0hello"), Zeros(3), Range(7, 1 << 40))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/bundler/patches"


@pytest.fixture
def stamp(tmp_path: Path) -> bytes:
    file = tmp_path / "file"
    file.write_bytes(b"hello")
    return stamp_of(file.stat())


def learn(environment: Path, stamp: bytes | None, *pieces: Piece, edits: Edits = EDITS) -> Planned:
    """Note one patch, none without pieces, for the next pack."""
    cache = open_patch_cache(str(environment))
    planned = cache.note(stamp, edits, PatchPlan(Patch(pieces), Tier.T2, "moved") if pieces else None)
    cache.learn()
    return planned


def recall(environment: Path, stamp: bytes | None, edits: Edits = EDITS) -> Planned | None:
    return open_patch_cache(str(environment)).recall(stamp, edits)


def test_the_next_pack_recalls_what_the_last_one_planned(tmp_path: Path, stamp: bytes) -> None:
    assert learn(tmp_path, stamp, *PIECES) == recall(tmp_path, stamp) == Planned(Patch(PIECES), "T2")
    assert recall(tmp_path, bytes(len(stamp))) is None
    assert recall(tmp_path, None) is None
    assert recall(tmp_path, stamp, Edits(rpath="$ORIGIN/../lib")) is None
    assert recall(tmp_path, stamp, Edits(rpath="$ORIGIN/lib", needed={"liba.so": "libb.so"})) is None
    assert recall(tmp_path / "another", stamp) is None


def test_that_a_file_stays_as_it_is_is_recalled_too(tmp_path: Path, stamp: bytes) -> None:
    assert learn(tmp_path, stamp) == recall(tmp_path, stamp) == Planned(None)


def test_what_is_computed_or_has_no_stamp_is_planned_anew(tmp_path: Path, stamp: bytes) -> None:
    learn(tmp_path, stamp, Range(0, 4), Computed(1, lambda file: b"x"))
    learn(tmp_path, None, *PIECES)
    assert recall(tmp_path, stamp) is None


def test_what_one_pack_did_not_ask_for_the_next_may(tmp_path: Path, stamp: bytes) -> None:
    other = stamp_of(tmp_path.stat())
    learn(tmp_path, stamp, *PIECES)
    learn(tmp_path, other)
    assert recall(tmp_path, stamp) == Planned(Patch(PIECES), "T2")
    learn(tmp_path, stamp, Range(0, 5), edits=Edits(rpath=None))
    assert recall(tmp_path, other) == Planned(None)
    assert recall(tmp_path, stamp) is None  # of one file only what the last pack wanted


@pytest.mark.parametrize("damage", ["a byte", "the end", "another patcher", "nothing"])
def test_a_damaged_cache_is_none(
    tmp_path: Path, stamp: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    learn(tmp_path, stamp, *PIECES)
    (held,) = cache.iterdir()
    data = bytearray(held.read_bytes())
    if damage == "a byte":
        data[-40] ^= 1
    elif damage == "the end":
        del data[-8:]
    elif damage == "another patcher":
        monkeypatch.setattr(patch_cache, "_header", lambda: b"bundler patches 1 0.0\n")
    held.write_bytes(data)
    assert (recall(tmp_path, stamp) is not None) == (damage == "nothing")
    learn(tmp_path, stamp, *PIECES)  # and is written anew without a word
    assert recall(tmp_path, stamp) is not None


@pytest.mark.parametrize("name", ["planner.py", "x86_64.bin"])
def test_a_patcher_that_was_changed_is_another(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elf").mkdir()
    module = tmp_path / "elf" / name
    module.write_text("a = 1\n")
    monkeypatch.setattr(bundler.binaries, "__file__", str(tmp_path / "__init__.py"))
    headers = set()
    for time in (1, 2):
        os.utime(module, (time, time))
        patch_cache._header.cache_clear()
        headers.add(patch_cache._header())
    patch_cache._header.cache_clear()
    assert len(headers) == 2


def test_a_second_plan_reads_no_file_that_it_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = load_environment(str(empty_environment(tmp_path / "env")))
    memory = open_memory(environment.root)
    first = make_plan(environment, memory=memory)
    memory.patches.learn()

    def refuse(*_: object) -> None:
        raise AssertionError("it was planned anew")

    monkeypatch.setattr(patching, "plan_patch", refuse)
    second = make_plan(environment, memory=open_memory(environment.root))
    patched = [entry for entry in first.entries if isinstance(entry.content, Patched)]
    assert patched
    assert [entry for entry in second.entries if isinstance(entry.content, Patched)] == patched


def test_a_file_that_changed_since_it_was_listed_is_not_noted(
    tmp_path: Path, stamp: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "file")
    entry = Entry("file", Source(path, 5, stamp), 0o644, 0, Layer.RUNTIME, "env:")
    binary = ElfFile("file", path, None)  # type: ignore[arg-type]
    monkeypatch.setattr(patching, "plan_patch", lambda *_: PatchPlan(Patch(PIECES), Tier.T0, ""))
    for change in (True, False):
        if change:
            os.utime(path, (1, 1))
        else:
            entry = entry._replace(content=Source(path, 5, stamp_of(os.stat(path))))
        patches = open_patch_cache(str(tmp_path))
        assert patching._plan_anew(binary, entry, EDITS, patches).patch == Patch(PIECES)
        assert len(patches.used) == (0 if change else 1)
