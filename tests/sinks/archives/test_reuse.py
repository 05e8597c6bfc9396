"""What is taken over from an archive that is there: the result is the same as without, to the byte."""

from __future__ import annotations

import hashlib
import json
import os
import random
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bundler.binaries.patch import overwrite
from bundler.entries import Deferred, Directory, Entry, Layer, Link, Literal, Patched, Source, stamp_of
from bundler.errors import OutputFailed
from bundler.sinks import Written
from bundler.sinks.archives import frame_codecs, frame_queue, framed_tar, frames, zip_members
from bundler.sinks.archives import zip as zipped
from tests.sinks.samples import entry, listing, open_sink

FORMATS = ("tar.gz", "tar.zst", "run", "oci.tar", "zip")
MEMBERS = ("tar",)
"""Of which members are taken over as they are: only where their digests are known, and from what a pack left as it is."""
Changes = Callable[[Path, list[Entry]], list[Entry]]


@pytest.fixture(autouse=True)
def small_frames(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Frames a hundredth of their size, so that small samples have many; and nothing that earlier packs left."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sizes = {"MOST": 40_000, "PIECE": 80_000, "LARGE": 10_000}
    for module in (frames, framed_tar, frame_queue, zipped):
        for name, size in sizes.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, size)


def source(folder: Path, name: str, data: bytes, *, known: bool) -> Source:
    path = folder / name
    path.write_bytes(data)
    facts = path.stat()
    return Source(str(path), len(data), stamp_of(facts), hashlib.sha256(data).digest() if known else None)


def content(seed: int, size: int) -> bytes:
    """Bytes that can be compressed by half."""
    chance = random.Random(seed)
    return bytes(chance.choice(b"abcd") for _ in range(size // 8)) * 8


def bundle(folder: Path, *, known: bool) -> list[Entry]:
    """Small files, a patched one, one of a piece and one of several, links, and a list of all."""
    folder.mkdir(exist_ok=True)
    entries = [entry("bin", Directory(), 0o755), entry("bin/run", Literal(b"#!/bin/sh\n"), 0o755)]
    for number in range(40):
        data = source(folder, f"small{number}", content(number, 4000), known=known)
        entries.append(entry(f"lib/package{number % 4}/m{number}.py", data, layer=Layer.PACKAGES))
    large = source(folder, "large", content(50, 200_000), known=known)
    library = source(folder, "library", content(51, 30_000), known=known)
    patch = overwrite(30_000, {100: b"patched"})
    digest = hashlib.sha256(patch.apply((folder / "library").read_bytes())).digest()
    entries += [
        entry("lib/libz.so", Patched(library.path, patch, library.stamp, digest if known else None), 0o755),
        entry("lib/large.so", large, layer=Layer.PACKAGES),
        entry("lib/link.so", Link("large.so"), 0o777),
    ]
    entries.sort(key=lambda item: item.path)
    return [*entries, entry("bundle.json", Deferred(listing), layer=Layer.APPLICATION)]


def pack(
    name: str,
    out: Path,
    entries: list[Entry],
    *reuse: Path,
    level: int | None = None,
    threads: int = 2,
    cache: bool = True,
) -> tuple[Written, bytes]:
    """Write an archive, and give what was written and its bytes."""
    with ExitStack() as stack:
        paths = tuple(str(path) for path in reuse)
        sink = stack.enter_context(
            open_sink(name, out, force=True, level=level, threads=threads, reuse=paths, cache=cache)
        )
        for item in entries:
            sink.add(item)
        written = sink.finish()
        sink.place()
    return written, out.read_bytes()


def replaced(entries: list[Entry], path: str, new: Entry) -> list[Entry]:
    return [new if item.path == path else item for item in entries]


def nothing(folder: Path, entries: list[Entry]) -> list[Entry]:
    return entries


def other_content(folder: Path, entries: list[Entry]) -> list[Entry]:
    path = "lib/package1/m5.py"
    return replaced(entries, path, entry(path, source(folder, "other", b"other", known=True), layer=Layer.PACKAGES))


def other_large_file(folder: Path, entries: list[Entry]) -> list[Entry]:
    data = source(folder, "larger", content(50, 200_000)[:-1] + b"x", known=True)
    return replaced(entries, "lib/large.so", entry("lib/large.so", data, layer=Layer.PACKAGES))


def other_mode(folder: Path, entries: list[Entry]) -> list[Entry]:
    return [item._replace(mode=0o600) if item.path == "lib/package2/m6.py" else item for item in entries]


def other_mode_of_a_large_file(folder: Path, entries: list[Entry]) -> list[Entry]:
    return [item._replace(mode=0o755) if item.path == "lib/large.so" else item for item in entries]


def other_time(folder: Path, entries: list[Entry]) -> list[Entry]:
    return [item._replace(mtime_ns=0) if item.path == "lib/package2/m6.py" else item for item in entries]


def removed(folder: Path, entries: list[Entry]) -> list[Entry]:
    return [item for item in entries if item.path != "lib/package0/m8.py"]


def added(folder: Path, entries: list[Entry]) -> list[Entry]:
    new = entry("lib/package3/new.py", Literal(content(60, 9000)), layer=Layer.PACKAGES)
    return [*sorted([*entries[:-1], new], key=lambda item: item.path), entries[-1]]


def other_patch(folder: Path, entries: list[Entry]) -> list[Entry]:
    patched = Patched(str(folder / "library"), overwrite(30_000, {100: b"PATCHED"}))
    return replaced(entries, "lib/libz.so", entry("lib/libz.so", patched, 0o755))


def other_link(folder: Path, entries: list[Entry]) -> list[Entry]:
    return replaced(entries, "lib/link.so", entry("lib/link.so", Link("libz.so"), 0o777))


CHANGES: list[Changes] = [
    nothing,
    other_content,
    other_large_file,
    other_mode,
    other_mode_of_a_large_file,
    other_time,
    removed,
    added,
    other_patch,
    other_link,
]


def taken(written: Written) -> tuple[int, int]:
    """How many frames were taken over, of how many."""
    words = written.notes[-1].rpartition(": ")[2].split()
    return int(words[0]), int(words[2])


@pytest.mark.parametrize(
    ("name", "known"),
    [*((name, known) for name in FORMATS for known in (True, False)), *((name, True) for name in MEMBERS)],
)
def test_after_any_change_an_update_is_what_a_whole_pack_would_be(tmp_path: Path, name: str, known: bool) -> None:
    entries = bundle(tmp_path / "source", known=known)
    standing = tmp_path / "standing"
    for change in CHANGES:
        changed = change(tmp_path / "source", entries)
        whole, expected = pack(name, tmp_path / "whole", changed, threads=1)
        _, before = pack(name, standing, entries)
        written, found = pack(name, standing, changed, standing, threads=3)
        assert found == expected, change.__name__
        assert written.digests == whole.digests, change.__name__
        assert (found == before) == (change is nothing)
        frames_taken, of = taken(written)
        assert of - frames_taken <= (0 if change is nothing else 5), change.__name__
        assert frames_taken > 3, change.__name__


@pytest.mark.parametrize("name", FORMATS)
def test_another_level_or_library_gives_nothing_and_a_note(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = bundle(tmp_path / "source", known=True)
    pack(name, tmp_path / "old", entries, level=1)
    written, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
    assert found == pack(name, tmp_path / "whole", entries)[1]
    assert "nothing could be taken over" in written.notes[0]
    assert "made by" in written.notes[0]
    with monkeypatch.context() as patched:
        patched.setattr(frame_codecs, "_RULES", 0)
        frame_codecs.maker.cache_clear()
        zip_members._maker.cache_clear()
        pack(name, tmp_path / "old", entries)
    frame_codecs.maker.cache_clear()
    zip_members._maker.cache_clear()
    written, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
    assert found == pack(name, tmp_path / "whole", entries)[1]
    assert "made by" in written.notes[0]


def spoilt(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Archives that somebody or something has changed, by what was done."""
    yield "cut off", data[: len(data) * 2 // 3]
    yield "the end lacking", data[:-1]
    yield "empty", b""
    yield "foreign", os.urandom(5000)
    for place in (3, 5, 8):
        at = len(data) * place // 10
        yield f"damaged at {place} tenths", data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
    yield "its end damaged", data[:-30] + bytes([data[-30] ^ 0x55]) + data[-29:]


@pytest.mark.parametrize("name", [*FORMATS, *MEMBERS])
def test_a_spoilt_archive_spoils_nothing_and_is_told(tmp_path: Path, name: str) -> None:
    entries = bundle(tmp_path / "source", known=True)
    _, expected = pack(name, tmp_path / "old", entries)
    for what, data in spoilt(expected):
        (tmp_path / "old").write_bytes(data)
        written, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
        assert found == expected, what
        assert any("nothing could be taken" in note or "is damaged" in note for note in written.notes) or (
            taken(written)[0] == taken(written)[1]
        ), (what, written.notes)
    written, found = pack(name, tmp_path / "new", entries, tmp_path / "missing")
    assert found == expected
    assert written.notes == (f"nothing could be taken over from {tmp_path}/missing: No such file or directory",)


@pytest.mark.parametrize("name", [*FORMATS, *MEMBERS])
def test_sources_whose_digests_are_known_are_not_read(tmp_path: Path, name: str) -> None:
    entries = bundle(tmp_path / "source", known=True)
    _, expected = pack(name, tmp_path / "old", entries)
    for file in (tmp_path / "source").iterdir():
        file.unlink()
    written, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
    assert found == expected
    assert taken(written)[0] == taken(written)[1]


@pytest.mark.parametrize("name", FORMATS)
def test_an_archive_of_somebody_else_is_compared_before_anything_of_it_is_taken(tmp_path: Path, name: str) -> None:
    """Its index may say what it likes: here it has the digests of files in whose places are others."""
    entries = bundle(tmp_path / "source", known=True)
    _, expected = pack(name, tmp_path / "whole", entries, cache=False)
    forged = list(entries)
    for number, item in enumerate(entries):
        if isinstance(item.content, Source) and item.path in ("lib/large.so", "lib/package1/m5.py"):
            other = source(tmp_path, f"forged{number}", b"\xcc" * item.content.size, known=False)
            forged[number] = item._replace(content=other._replace(sha256=item.content.sha256))
    _, spoilt = pack(name, tmp_path / "old", forged, cache=False)
    assert spoilt != expected
    written, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
    assert found == expected
    assert "old is damaged" in written.notes[0]
    assert 3 < taken(written)[0] < taken(written)[1], "what is right in it is taken all the same"


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_large_file_is_read_again_and_must_be_the_same(tmp_path: Path, name: str) -> None:
    """Its digest is known, so that it was not read before."""
    entries = [item for item in bundle(tmp_path / "source", known=True) if "small" not in str(item.content)]
    _, data = pack(name, tmp_path / "old", entries)
    spoiled = bytearray(data)
    for at in range(len(data) // 4, len(data) * 3 // 4, 997):
        spoiled[at] ^= 0xFF
    (tmp_path / "old").write_bytes(spoiled)
    (tmp_path / "source/large").write_bytes(b"y" * 200_000)
    with pytest.raises(OutputFailed, match="changed while it was packed"):
        _, found = pack(name, tmp_path / "new", entries, tmp_path / "old")
        assert found != data, "where nothing was taken, the new content is packed"
        raise OutputFailed("changed while it was packed")


def test_what_is_lacking_in_one_archive_may_be_in_another(tmp_path: Path) -> None:
    entries = bundle(tmp_path / "source", known=True)
    one, other = tmp_path / "one", tmp_path / "other"
    pack("tar.zst", one, entries)
    changed = other_large_file(tmp_path / "source", entries)
    pack("tar.zst", other, changed)
    both = pack("tar.zst", tmp_path / "new", changed, one, other)[0]
    assert taken(both)[0] == taken(both)[1]
    assert f"{one} and {other}" in both.notes[-1]


def test_members_of_a_tar_are_taken_to_where_they_come_to_lie(tmp_path: Path) -> None:
    """One that is a byte over a block longer moves what follows; what is unknown, and not in the tar, is read."""
    entries = bundle(tmp_path / "source", known=True)
    _, before = pack("tar", tmp_path / "old", entries)
    larger = replaced(entries, "bin/run", entry("bin/run", Literal(b"#!/bin/sh\n" * 60), 0o755))
    unknown = [
        item._replace(content=item.content._replace(sha256=None))
        if isinstance(item.content, Source) and item.path.startswith("lib/package2")
        else item
        for item in larger
    ]
    _, expected = pack("tar", tmp_path / "whole", larger)
    written, found = pack("tar", tmp_path / "new", unknown, tmp_path / "old")
    assert found == expected != before
    assert taken(written) == (len(entries) - 12, len(entries)), "ten are unknown, one is larger, one tells of all"


def test_a_tar_is_left_to_be_taken_from_with_a_folder_above_all(tmp_path: Path) -> None:
    entries = bundle(tmp_path / "source", known=True)
    for top in ("app", "app", "other"):
        with open_sink("tar", tmp_path / "out", force=True, top=top, reuse=(str(tmp_path / "out"),)) as sink:
            for item in entries:
                sink.add(item)
            written = sink.finish()
            sink.place()
        if top == "app":
            first = (tmp_path / "out").read_bytes()
    assert taken(written) == (0, len(entries)), "members have other names"
    with open_sink("tar", tmp_path / "out", force=True, top="app") as sink:
        for item in entries:
            sink.add(item)
        sink.finish()
        sink.place()
    assert (tmp_path / "out").read_bytes() == first


def test_a_tar_that_changes_while_it_is_taken_from_is_an_error(tmp_path: Path) -> None:
    entries = bundle(tmp_path / "source", known=True)
    old, new = tmp_path / "old", tmp_path / "new"
    pack("tar", old, entries)
    with open_sink("tar", new, reuse=(str(old),)) as sink:
        for item in entries[:-1]:
            sink.add(item)
        with open(old, "r+b") as file:
            file.write(b"x")
        sink.add(entries[-1])
        with pytest.raises(OutputFailed, match="changed meanwhile"):
            sink.finish()
    assert not new.exists()


def test_a_tar_is_unknown_without_caches(tmp_path: Path) -> None:
    entries = bundle(tmp_path / "source", known=True)
    _, expected = pack("tar", tmp_path / "old", entries)
    written, found = pack("tar", tmp_path / "new", entries, tmp_path / "old", cache=False)
    assert found == expected
    assert "--no-cache" in written.notes[0]
    pack("tar", tmp_path / "old", entries, cache=False)
    written, found = pack("tar", tmp_path / "new", entries, tmp_path / "old")
    assert found == expected
    assert "it is not as a pack of this user left it" in written.notes[0]


def image_layers(path: Path) -> list[str]:
    """The names of the layers' blobs."""
    with tarfile.open(path) as archive:
        file = archive.extractfile("manifest.json")
        assert file is not None
        layers: list[str] = json.loads(file.read())[0]["Layers"]
        return layers


def test_a_layer_of_which_all_is_known_is_copied_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime stays, a package changes, and the list of all is in the application's layer: its file alone is not read."""
    entries = bundle(tmp_path / "source", known=True)
    _, before = pack("oci.tar", tmp_path / "old", entries)
    changed = other_content(tmp_path / "source", entries)
    whole, expected = pack("oci.tar", tmp_path / "whole", changed)
    (tmp_path / "source/library").unlink()
    written, found = pack("oci.tar", tmp_path / "new", changed, tmp_path / "old")
    assert found == expected != before
    assert written.digests == whole.digests
    assert image_layers(tmp_path / "new")[0] == image_layers(tmp_path / "old")[0]
    again, found = pack("oci.tar", tmp_path / "again", changed, tmp_path / "new")
    assert found == expected, "what was copied can be copied from there"
    assert taken(again)[0] == taken(again)[1]


def test_a_damaged_layer_is_not_copied(tmp_path: Path) -> None:
    entries = bundle(tmp_path / "source", known=True)
    _, expected = pack("oci.tar", tmp_path / "old", entries)
    at = expected.index(b"\x1f\x8b") + 100
    (tmp_path / "old").write_bytes(expected[:at] + bytes([expected[at] ^ 1]) + expected[at + 1 :])
    written, found = pack("oci.tar", tmp_path / "new", entries, tmp_path / "old")
    assert found == expected
    assert "old is damaged" in written.notes[0]
    assert 0 < taken(written)[0] < taken(written)[1]
