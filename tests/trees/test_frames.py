"""Archives in frames are read by several threads, and no byte of them is damaged unseen."""

from __future__ import annotations

import hashlib
import random
import threading
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import pytest

from bundler.entries import Layer, Literal
from bundler.errors import NotABundle
from bundler.formats import archive_named
from bundler.sinks.archives import framed_tar, frames
from bundler.sinks.archives.frame_codecs import GZIP, ZSTANDARD, FrameCodec
from bundler.sinks.archives.frame_index import Frame, FrameIndex, digest_of, pack_index, unpack_index
from bundler.trees import Member, last_file, open_archive
from bundler.trees import frames as frames_of_trees
from bundler.trees import zip as zip_of_trees
from bundler.trees.frames import decompressed_frame
from tests.sinks.samples import entry, write

FORMATS = pytest.mark.parametrize("name", ["tar.gz", "tar.zst"])


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Files for many frames, which are small here."""
    for module in (frames, framed_tar):
        monkeypatch.setattr(module, "PIECE", 5000)
    monkeypatch.setattr(frames, "MOST", 3000)
    monkeypatch.setattr(frames, "LARGE", 4000)
    chance = random.Random(6)
    sizes = (0, 10, 900, 4000, 20_000, 700, 1500, 5000 - 512, 12_345)
    return {f"m{number}": chance.randbytes(size // 2) * 2 for number, size in enumerate(sizes)}


def digests(archive: Path) -> dict[str, str]:
    def look(_: Member, file: BinaryIO | None) -> str:
        return hashlib.sha256(file.read()).hexdigest() if file is not None else ""

    return {member.path: found for member, found in open_archive(str(archive)).scan(look)}


@FORMATS
def test_all_files_are_read(files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    archive = write(name, tmp_path / "a", [entry(path, Literal(data)) for path, data in files.items()])
    assert digests(archive) == {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


def test_no_frame_hides_behind_another(tmp_path: Path) -> None:
    """A plain reader goes on where the index says that the frame ends; so must who reads by the index."""
    archive = write("tar.zst", tmp_path / "a", [entry("m", Literal(b"m" * 5000))])
    with open(archive, "rb") as file:
        part = frames_of_trees.rest_of(file)
        assert part is not None
        found = frames_of_trees.find_frames(part, ZSTANDARD)
    assert found is not None
    index, data = unpack_index(found.index), archive.read_bytes()
    assert len(index.frames) == 1
    hidden = ZSTANDARD.compress(bytes(512), 3)
    first = data[: index.frames[0].size] + hidden
    frame = index.frames[0]._replace(size=len(first), digest=digest_of(first), check=ZSTANDARD.check(b"", hidden))
    packed = pack_index(FrameIndex(index.maker, (frame,)))
    last = ZSTANDARD.last(data[index.frames[0].size :], found.index)
    plain = ZSTANDARD.decompress(last)
    described = Frame(b"", b"", len(last), len(plain), ZSTANDARD.check(plain, last))
    archive.write_bytes(first + ZSTANDARD.tail((frame,), packed, described, last))
    with pytest.raises(NotABundle, match="is damaged"):
        digests(archive)


def test_no_stream_ends_within_a_frame() -> None:
    compressor = zlib.compressobj(wbits=-15)
    frame = compressor.compress(b"m") + compressor.flush() + b"more"
    with pytest.raises(ValueError, match="ends within a frame"):
        GZIP.decompress(frame)


@pytest.mark.parametrize("name", ["tar.gz", "tar.zst", "run", "oci.tar", "zip"])
def test_threads_decompress_what_one_reads(
    files: dict[str, bytes], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work: set[str] = set()

    def spied(module: object, function: str) -> None:
        """Note by which threads it is called."""
        called = getattr(module, function)

        def spy(*arguments: object) -> object:
            at_work.add(threading.current_thread().name.partition("_")[0])
            return called(*arguments)

        monkeypatch.setattr(module, function, spy)

    archive = write(name, tmp_path / "a", [entry(path, Literal(data)) for path, data in files.items()])
    spied(frames_of_trees, "decompressed_frame")
    spied(zipfile.ZipFile, "read")
    assert digests(archive) == {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
    assert at_work == {"decompress"}


def test_members_of_a_zip_that_are_too_large_for_that_are_read_in_their_turn(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_of_trees, "_SMALL", 1000)
    monkeypatch.setattr(zip_of_trees, "_AHEAD", 1500)
    archive = write("zip", tmp_path / "a", [entry(path, Literal(data)) for path, data in files.items()])
    assert digests(archive) == {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}


@FORMATS
def test_no_byte_of_a_frame_or_the_index_is_damaged_unseen(files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    """Around them are bytes that mean nothing to anybody, such as gzip's time: who changes these harms nothing."""
    archive = write(name, tmp_path / "a", [entry(path, Literal(data)) for path, data in files.items()])
    expected, data = digests(archive), archive.read_bytes()
    codec = GZIP if name == "tar.gz" else ZSTANDARD
    with archive.open("rb") as file:
        found = codec.find_index(file.fileno(), 0, len(data))
    assert found is not None
    end = data.index(found.index) + len(found.index)
    for place in sorted({*range(4, len(data), 211), *range(end - 200, len(data))}):
        archive.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            read = digests(archive)
        except NotABundle:
            continue
        assert not found.start <= place < end
        assert read == expected


@FORMATS
def test_checksums_behind_the_frames_must_be_right(files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    """gzip's stand before the member that has the index; a seek table has each frame's."""
    archive = write(name, tmp_path / "a", [entry(path, Literal(data)) for path, data in files.items()])
    data = archive.read_bytes()
    place = data.rindex(b"\x1f\x8b\x08\x04") - 8 if name == "tar.gz" else len(data) - 9 - 3 * 12 + 8
    archive.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
    with pytest.raises(NotABundle, match="behind its frames"):
        digests(archive)


@pytest.mark.parametrize("name", ["tar", "tar.gz", "tar.zst", "run", "oci.tar", "zip"])
@pytest.mark.parametrize("size", [100, 30_000], ids=["small", "of several pieces"])
def test_the_manifest_is_read_without_the_rest(
    files: dict[str, bytes], tmp_path: Path, name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [entry(path, Literal(data)) for path, data in files.items()]
    manifest = random.Random(size).randbytes(size)
    archive = write(name, tmp_path / "a", [*entries, entry("bundle.json", Literal(manifest), layer=Layer.APPLICATION)])
    read: list[int] = []

    def spy(descriptor: int, codec: FrameCodec, offset: int, frame: Frame) -> bytes:
        read.append(frame.plain)
        return decompressed_frame(descriptor, codec, offset, frame)

    monkeypatch.setattr(last_file, "decompressed_frame", spy)
    reader = archive_named(name).find_manifest_reader()
    assert reader(str(archive)) == manifest
    assert sum(read) < size + 6000
    other = write(name, tmp_path / "other", [*entries, entry("last", Literal(manifest), layer=Layer.APPLICATION)])
    assert reader(str(other)) is None
