"""How caches are kept: whole or not at all, the newest few of them, and no interrupt is lost on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bundler.memory.store import cache_file, cache_folder, read_sealed, replace_cached, with_spare, write_sealed

HEADER = b"a kind 1\n"


@pytest.mark.parametrize("body", [b"", b"body" * 1000])
def test_what_was_sealed_is_read(tmp_path: Path, body: bytes) -> None:
    path = str(tmp_path / "cache")
    write_sealed(path, HEADER, body, kept=3)
    assert bytes(read_sealed(path, HEADER)) == body
    assert os.stat(path).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [0, 12, -1])
def test_a_damaged_file_is_no_cache(tmp_path: Path, at: int) -> None:
    path = tmp_path / "cache"
    write_sealed(str(path), HEADER, b"body" * 10, kept=3)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no such cache"):
        read_sealed(str(path), HEADER)
    path.write_bytes(data[:5])
    with pytest.raises(ValueError, match="no such cache"):
        read_sealed(str(path), HEADER)


def test_a_file_of_another_kind_or_version_is_no_cache(tmp_path: Path) -> None:
    path = str(tmp_path / "cache")
    write_sealed(path, HEADER, b"body", kept=3)
    with pytest.raises(ValueError, match="no such cache"):
        read_sealed(path, b"a kind 2\n")


def test_the_newest_stay(tmp_path: Path) -> None:
    for number in range(5):
        replace_cached(str(tmp_path), f"{number}", b"x", kept=3)
        os.utime(tmp_path / f"{number}", (number, number))
    replace_cached(str(tmp_path), "0", b"again", kept=3)
    assert sorted(os.listdir(tmp_path)) == ["0", "3", "4"]


@pytest.mark.parametrize("write", [replace_cached, None], ids=["plain", "sealed"])
def test_an_interrupt_right_behind_the_rename_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: object
) -> None:
    real = os.replace

    def interrupted(source: str, target: str) -> None:
        real(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        if write:
            replace_cached(str(tmp_path), "cache", b"new", kept=3)
        else:
            write_sealed(str(tmp_path / "cache"), HEADER, b"new", kept=3)
    assert os.listdir(tmp_path) == ["cache"]


def test_an_error_before_the_rename_leaves_the_old_one_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache"
    write_sealed(str(path), HEADER, b"old", kept=3)

    def full(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", full)
    write_sealed(str(path), HEADER, b"new", kept=3)
    assert bytes(read_sealed(str(path), HEADER)) == b"old"
    assert os.listdir(tmp_path) == ["cache"]


def test_there_is_no_cache_in_a_folder_that_is_not_the_user_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder("digests")
    assert folder == str(tmp_path / "bundler/digests")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache_folder("digests") is None
    assert cache_file("digests", "/env") is None


@pytest.mark.parametrize("home", ["relative", "/proc/nowhere"])
def test_there_is_no_cache_where_none_can_be(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    assert cache_folder("digests") is None


def test_each_environment_has_a_file_of_its_own_whatever_way_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "env").mkdir()
    (tmp_path / "link").symlink_to("env")
    assert cache_file("digests", str(tmp_path / "env")) == cache_file("digests", str(tmp_path / "link"))
    assert cache_file("digests", str(tmp_path / "env")) != cache_file("digests", str(tmp_path))


keys = st.tuples(st.integers(0, 5), st.integers(0, 2)).map(lambda pair: bytes([pair[0]]) * 16 + bytes([pair[1]]))
caches = st.dictionaries(keys, st.integers())


@given(known=caches, used=caches)
def test_what_is_kept_was_used_or_may_be_asked_for(known: dict[bytes, int], used: dict[bytes, int]) -> None:
    kept = with_spare(known, used)
    assert {key: kept[key] for key in used} == used
    spare = kept.keys() - used.keys()
    assert spare <= known.keys()
    assert not {key[:16] for key in spare} & {key[:16] for key in used}, "another stamp of a file that was used is old"
    assert len(spare) <= len(used)
