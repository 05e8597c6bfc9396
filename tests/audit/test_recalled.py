"""What an audit read in a file it knows of every file with the same bytes, and of no other."""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path

import pytest

from bundler.audit.leaking import search_for
from bundler.audit.recalled import ReadingsBook, Recalled, recalled
from bundler.audit.seen_files import FileReader, Looking
from bundler.entries import Digest
from bundler.leaks.findings import Trace
from bundler.leaks.scanner import Closeness
from bundler.machine.maker import Maker
from bundler.memory.readings import ReadingsCache, open_readings_cache
from bundler.trees import Kind, Member
from tests.material import secrets

PREFIX = "/anywhere/env"
PLAIN, LEAKING, SCRIPT = b"nothing\n", f"root = '{PREFIX}'\n".encode(), f"#!{PREFIX}/bin/python\n".encode()
FILES = {"plain.txt": PLAIN, "leaking.txt": LEAKING, "bin/script": SCRIPT, "entry_points.txt": LEAKING}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest(), len(data))


def known(tmp_path: Path, prefix: str = PREFIX) -> Recalled:
    """What is known of these files when they are packed again."""
    digests = {path: digest(data) for path, data in FILES.items()}
    return recalled(ReadingsBook(opened(tmp_path)), looking(prefix).search, digests)


def looking(prefix: str = PREFIX) -> Looking:
    """What is looked for in files that no index lists."""
    return Looking(search_for([prefix], Maker("", "", "")), lambda _path: Closeness.OWN)


def opened(tmp_path: Path) -> ReadingsCache:
    return open_readings_cache(str(tmp_path / "env"))


def read_all(tmp_path: Path) -> None:
    """The audit of a first pack."""
    first = known(tmp_path)
    reader = FileReader(looking(), first, random_access=True)
    for path, data in FILES.items():
        member = Member(path, Kind.FILE, 0o644)
        assert reader.recall(member, len(data)) is None
        reader.look(member, io.BytesIO(data))
    first.keep()


def test_only_what_is_looked_into_is_opened_again(tmp_path: Path) -> None:
    read_all(tmp_path)
    reader = FileReader(looking(), known(tmp_path), random_access=True)
    seen = {path: reader.recall(Member(path, Kind.FILE, 0o755), len(data)) for path, data in FILES.items()}
    assert {path for path, file in seen.items() if file is not None} == {"plain.txt", "leaking.txt"}
    plain, leaking = seen["plain.txt"], seen["leaking.txt"]
    assert plain is not None and (plain.traces, plain.mode, plain.size) == (Trace.NOTHING, 0o755, len(PLAIN))
    assert plain.sha256 == hashlib.sha256(PLAIN).hexdigest()
    assert leaking is not None and leaking.traces is Trace.PREFIX


def test_a_file_of_another_size_is_read(tmp_path: Path) -> None:
    read_all(tmp_path)
    reader = FileReader(looking(), known(tmp_path), random_access=True)
    assert reader.recall(Member("plain.txt", Kind.FILE, 0o644), len(PLAIN) + 1) is None


def test_who_looks_for_another_path_reads_again(tmp_path: Path) -> None:
    read_all(tmp_path)
    reader = FileReader(looking("/elsewhere/env"), known(tmp_path, "/elsewhere/env"), random_access=True)
    assert reader.recall(Member("plain.txt", Kind.FILE, 0o644), len(PLAIN)) is None


def test_two_readers_agree_on_a_file_and_its_source_and_on_no_other(tmp_path: Path) -> None:
    first = known(tmp_path)
    first.note_agreement(digest(PLAIN).sha256, b"a stamp")
    first.note_agreement(digest(SCRIPT).sha256, None)  # of a source that is not known nothing is
    first.keep()
    later = known(tmp_path)
    assert later.agrees(digest(PLAIN).sha256, b"a stamp")
    assert not later.agrees(digest(PLAIN).sha256, b"another")
    assert not later.agrees(digest(LEAKING).sha256, b"a stamp")
    assert not later.agrees(digest(SCRIPT).sha256, None)


def test_what_was_found_of_names_is_known_and_a_file_with_a_credential_is_read_again(
    tmp_path: Path, chosen: random.Random
) -> None:
    """Where a credential stands is told each time, and nowhere kept."""
    wanted = Looking(search_for([], Maker("/home/zoe7", "zoe7", "calliope")), lambda _path: Closeness.OWN)
    files = {
        "home": b"/home/zoe7/x",
        "names": b"zoe7 on calliope",
        "token": secrets.with_crc32("gh" + "p_", secrets.letters(chosen, 30)).encode(),
    }
    digests = {path: digest(data) for path, data in files.items()}
    for _ in range(2):
        known = recalled(ReadingsBook(opened(tmp_path)), wanted.search, digests)
        reader = FileReader(wanted, known, random_access=True)
        seen = {}
        again = set()
        for path, data in files.items():
            member = Member(path, Kind.FILE, 0o644)
            found = reader.recall(member, len(data))
            if found is None:
                again.add(path)
                found = reader.look(member, io.BytesIO(data))
            assert found is not None
            seen[path] = found
        assert seen["home"].traces is Trace.HOME
        assert seen["names"].traces == Trace.USER | Trace.HOST
        assert [credential.kind for credential in seen["token"].credentials] == ["github-token"]
        known.keep()
    assert again == {"token"}
