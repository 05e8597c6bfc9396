"""What is known of files from earlier packs: kept by stamp, and forgotten rather than believed where anything is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from bundler.binaries.patch import Computed, Patch, Range, overwrite
from bundler.entries import Digest, Entry, Layer, Patched, Source, settling_time, stamp_of
from bundler.memory import digests as digest_cache
from bundler.memory.digests import DigestCache, key_of, open_digest_cache, with_known_digests
from bundler.plan.collect import source_of

SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/bundler/digests"


def entry(path: str, content: Source | Patched) -> Entry:
    return Entry(path, content, 0o644, 0, Layer.RUNTIME, "env:")


def source(file: Path, known: DigestCache | None = None, *, later: int = 10 * SECOND) -> Source:
    """A file as it is collected some time after its last change."""
    facts = file.stat()
    return source_of(str(file), facts, facts.st_ctime_ns + later, known.known if known is not None else {})


def digest_of(data: bytes) -> Digest:
    return Digest(sha256(data).digest(), len(data))


def learn(environment: Path, *contents: Source | Patched, data: bytes = b"hello") -> None:
    entries = [entry(f"file-{number}", content) for number, content in enumerate(contents)]
    open_digest_cache(str(environment)).learn(entries, {item.path: digest_of(data) for item in entries}, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"hello")
    return path


def test_the_next_pack_knows_what_the_last_one_learned(tmp_path: Path, file: Path) -> None:
    patched = Patched(str(file), overwrite(5, {0: b"J"}), source(file).stamp)
    learn(tmp_path, source(file), patched)
    known = open_digest_cache(str(tmp_path))
    assert source(file, known).sha256 == sha256(b"hello").digest()
    entries = {"patched": entry("patched", patched)}
    with_known_digests(entries, known.known)
    content = entries["patched"].content
    assert isinstance(content, Patched)
    assert content.sha256 == sha256(b"hello").digest()
    assert source(file, open_digest_cache(str(tmp_path / "other"))).sha256 is None


def rewrite_in_place(file: Path) -> None:
    """Other content, of the same size and time."""
    before = file.stat()
    with open(file, "r+b") as opened:
        opened.write(b"HELLO")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(file: Path) -> None:
    before = file.stat()
    new = file.with_name("new")
    new.write_bytes(b"HELLO")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(file)


@pytest.mark.parametrize("change", [rewrite_in_place, replace])
def test_a_file_that_changed_is_not_known_though_size_and_time_are_the_same(
    tmp_path: Path, file: Path, change: Callable[[Path], None]
) -> None:
    before = file.stat()
    learn(tmp_path, source(file))
    change(file)
    after = file.stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    assert source(file, open_digest_cache(str(tmp_path))).sha256 is None


@pytest.mark.parametrize(("ctime", "settling"), [(7 * SECOND + 123_456_789, SECOND // 10), (7 * SECOND, 2 * SECOND)])
def test_a_file_that_was_changed_just_now_has_no_stamp(file: Path, ctime: int, settling: int) -> None:
    """Its time may stay the same when it changes once more; for how long depends on how its file system counts."""

    class Facts:
        st_dev, st_ino, st_size, st_mtime_ns, st_ctime_ns = 1, 2, 5, ctime, ctime

    facts: os.stat_result = Facts()  # type: ignore[assignment]
    assert settling_time(facts) == settling
    assert source_of(str(file), facts, ctime + settling).stamp is None
    assert source_of(str(file), facts, ctime + settling + 1).stamp == stamp_of(facts)


def test_patches_over_one_file_are_told_apart_and_computed_ones_are_never_known(file: Path) -> None:
    stamp = source(file).stamp
    patches = [overwrite(5, {0: b"J"}), overwrite(5, {0: b"K"}), overwrite(5, {1: b"J"}), Patch((Range(0, 4),))]
    assert len({key_of(stamp, patch) for patch in patches} | {key_of(stamp)}) == 5
    assert key_of(stamp, Patch((Range(0, 4), Computed(1, lambda file: b"x")))) is None
    assert key_of(None, patches[0]) is None


@pytest.mark.parametrize("damage", ["a byte", "the end", "another version", "another's folder", "nothing"])
def test_a_damaged_cache_is_none(
    tmp_path: Path, file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    learn(tmp_path, source(file))
    (held,) = cache.iterdir()
    data = bytearray(held.read_bytes())
    if damage == "a byte":
        data[-40] ^= 1
    elif damage == "the end":
        del data[-8:]
    elif damage == "another version":
        monkeypatch.setattr(digest_cache, "_HEADER", b"bundler digests 1 0.0\n")
    elif damage == "another's folder":
        monkeypatch.setattr(os, "geteuid", lambda: cache.stat().st_uid + 1)
    held.write_bytes(data)
    known = open_digest_cache(str(tmp_path)).known
    assert len(known) == (1 if damage == "nothing" else 0)
    learn(tmp_path, source(file))  # and is written anew without a word


def test_where_there_can_be_no_cache_nothing_is_known_and_nothing_fails(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a file"))
    learn(tmp_path, source(file))
    assert open_digest_cache(str(tmp_path)).known == {}


def test_what_is_gone_is_forgotten_and_what_one_pack_left_out_is_not(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"other")
    learn(tmp_path, source(file), source(other))
    old = source(file).stamp
    rewrite_in_place(file)
    learn(tmp_path, source(file), data=b"HELLO")
    known = open_digest_cache(str(tmp_path))
    assert old not in known.known
    assert source(file, known).sha256 == sha256(b"HELLO").digest()
    assert source(other, known).sha256 is not None
