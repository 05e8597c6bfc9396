"""What an update finds: which files are the same, which nobody need read, and which are somebody else's work."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from bundler.binaries.patch import overwrite
from bundler.entries import Content, Deferred, Digest, Entry, Layer, Link, Literal, Patched, Source
from bundler.errors import NotABundle
from bundler.manifest import read_contents
from bundler.memory.packs import note_pack
from bundler.output_facts import DirectoryFacts
from bundler.sinks.directories.existing import ExistingBundle

TIME = 1_700_000_000_123_456_789
FACTS = DirectoryFacts("bundle.json", read_contents, lambda path: path.endswith(".pyc"))


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def entry(path: str, content: Content, mode: int = 0o644, time: int = TIME) -> Entry:
    return Entry(path, content, mode, time, Layer.RUNTIME, "env:")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with two files and a link, noted as packed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "bundle"
    (root / "lib").mkdir(parents=True)
    files: dict[str, dict[str, object]] = {"link": {"link": "lib/one"}}
    for name in ("lib/one", "lib/two"):
        data = f"content of {name}".encode()
        (root / name).write_bytes(data)
        os.utime(root / name, ns=(TIME, TIME))
        files[name] = {"sha256": sha256(data).hex(), "size": len(data)}
    (root / "link").symlink_to("lib/one")
    os.utime(root / "link", ns=(TIME, TIME), follow_symlinks=False)
    (root / "bundle.json").write_text(json.dumps({"bundler": "0", "schema": 1, "files": files}))
    note_pack(str(root))
    time.sleep(0.02)  # file systems count time in steps
    return root


def existing(bundle: Path, *, cache: bool = True) -> ExistingBundle:
    return ExistingBundle(str(bundle), FACTS, cache=cache)


DATA = b"content of lib/one"
KNOWN = Source("/nowhere", len(DATA), b"stamp", sha256(DATA))


def test_a_known_source_that_is_here_untouched_is_not_read(bundle: Path) -> None:
    assert existing(bundle).digest_of_untouched(entry("lib/one", KNOWN)) == Digest(sha256(DATA), len(DATA))
    patched = Patched("/nowhere", overwrite(len(DATA), {0: b"C"}), b"stamp", sha256(DATA))
    assert existing(bundle).digest_of_untouched(entry("lib/one", patched)) == Digest(sha256(DATA), len(DATA))


@pytest.mark.parametrize(
    "wanted",
    [
        entry("lib/one", KNOWN._replace(sha256=None)),
        entry("lib/one", KNOWN._replace(sha256=sha256(b"other"))),
        entry("lib/one", KNOWN._replace(size=3)),
        entry("lib/one", KNOWN, mode=0o755),
        entry("lib/one", KNOWN, time=TIME + 1),
        entry("lib/two", KNOWN),
        entry("lib/new", KNOWN),
        entry("link", KNOWN),
        entry("lib/one", Literal(DATA)),
    ],
)
def test_what_is_not_known_to_be_the_same_is_not_taken_for_it(bundle: Path, wanted: Entry) -> None:
    assert existing(bundle).digest_of_untouched(wanted) is None


@pytest.mark.parametrize("cache", [True, False])
def test_what_somebody_touched_is_read(bundle: Path, cache: bool) -> None:
    if cache:
        os.utime(bundle / "lib/one", ns=(TIME, TIME))  # its ctime is later than the pack
    assert existing(bundle, cache=cache).digest_of_untouched(entry("lib/one", KNOWN)) is None
    assert existing(bundle, cache=cache).digest_of_same(entry("lib/one", Literal(DATA))) == Digest(
        sha256(DATA), len(DATA)
    )


def test_content_mode_and_time_make_a_file_the_same(bundle: Path, tmp_path: Path) -> None:
    found = existing(bundle)
    (tmp_path / "source").write_bytes(DATA)
    (tmp_path / "before").write_bytes(b"Content of lib/one")
    source = Source(str(tmp_path / "source"), len(DATA))
    patched = Patched(str(tmp_path / "before"), overwrite(len(DATA), {0: b"c"}))
    for content in (Literal(DATA), source, patched):
        assert found.digest_of_same(entry("lib/one", content)) == Digest(sha256(DATA), len(DATA))
    for other in (
        entry("lib/one", Literal(b"Content of lib/one")),
        entry("lib/one", Literal(DATA), mode=0o600),
        entry("lib/one", Literal(DATA), time=0),
        entry("lib/three", Literal(DATA)),
        entry("lib/one", Deferred(lambda _: DATA)),
        entry("lib/one", Link("x")),
    ):
        assert found.digest_of_same(other) is None


def test_a_link_is_the_same_by_target_and_time(bundle: Path) -> None:
    found = existing(bundle)
    assert found.has_link(entry("link", Link("lib/one")))
    assert not found.has_link(entry("link", Link("lib/two")))
    assert not found.has_link(entry("link", Link("lib/one"), time=0))
    assert not found.has_link(entry("lib/one", Link("lib/one")))
    assert not found.has_link(entry("missing", Link("lib/one")))


def test_what_nobody_did_is_nobody_s(bundle: Path) -> None:
    (bundle / "lib/one.pyc").write_text("compiled")
    (bundle / "lib/empty").mkdir()
    assert existing(bundle).foreign() == []


def test_what_was_added_or_changed_is_somebody_else_s_unless_it_is_as_wanted(bundle: Path) -> None:
    (bundle / "lib/added").write_text("new")
    (bundle / "lib/one").write_text("changed")
    (bundle / "link").unlink()
    (bundle / "link").symlink_to("elsewhere")
    os.mkfifo(bundle / "pipe")
    found = existing(bundle)
    assert sorted(found.foreign()) == ["lib/added", "lib/one", "link", "pipe"]
    found.keep("lib/one")
    assert sorted(found.foreign()) == ["lib/added", "link", "pipe"]


def test_a_folder_that_is_no_bundle_is_told(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text("{}")
    with pytest.raises(NotABundle):
        existing(tmp_path)


def test_folders_stand_before_what_is_in_them(bundle: Path) -> None:
    paths = list(existing(bundle).paths)
    assert sorted(paths) == ["bundle.json", "lib", "lib/one", "lib/two", "link"]
    assert paths.index("lib") < min(paths.index("lib/one"), paths.index("lib/two"))
