"""Archives as trees: what is wrong with an archive is told apart from what is wrong with whoever looks."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from bundler.entries import Directory, Entry, Link, Literal
from bundler.errors import NotABundle
from bundler.trees import Member, open_archive, open_tree
from bundler.trees.squashfs import open_image
from tests.sinks.samples import FORMATS, entry, sample, write

Found = list[tuple[Member, str]]
SEED = 20240229
CHECKED = ("tar.gz", "tar.zst", "tar.xz", "tar.bz2", "run", "oci.tar")
"""Formats in which a checksum covers every byte of every file."""
PADDED = ("tar", "oci.tar", "squashfs")
"""Formats that end with zeros, which nobody needs."""


def digest(member: Member, file: BinaryIO | None) -> str:
    return hashlib.sha256(file.read()).hexdigest() if file is not None else ""


def scanned(archive: Path) -> Found:
    return open_archive(str(archive)).scan(digest)


@pytest.fixture(params=FORMATS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A small bundle in each format."""
    entries = [item for item in sample(tmp_path) if item.path != "big"]
    return write(request.param, tmp_path / f"a.{request.param}", entries)


def test_every_format_is_read_as_it_was_written(archive: Path) -> None:
    found = {member.path: (member.kind.value, member.target, digest) for member, digest in scanned(archive)}
    assert {path: kind for path, (kind, _, _) in found.items()} == {
        "bin": "directory",
        "bin/" + "n" * 150: "file",
        "bin/run": "file",
        "bin/é": "file",
        "link": "link",
        "bundle.json": "file",
    }
    assert found["link"][1] == "bin/run"
    assert found["bin/run"][2] == hashlib.sha256(b"#!/bin/sh\n").hexdigest()


ODD, NEWLINE = os.fsdecode(b"latin-\xe9"), "new\nline\x1b[31m"


def odd_names() -> list[Entry]:
    files = [entry(f"dir/{path}", Literal(b"x")) for path in (ODD, NEWLINE)]
    return [entry("dir", Directory()), *files, entry("link", Link(ODD))]


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("zip", "squashfs")])
def test_names_and_targets_that_are_no_utf_8_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    archive = write(name, tmp_path / f"a.{name}", odd_names())
    found = {member.path: member.target for member, _ in scanned(archive)}
    assert found == {"dir": "", f"dir/{ODD}": "", f"dir/{NEWLINE}": "", "link": ODD}


def test_a_squashfs_image_with_such_names_is_no_damaged_one(tmp_path: Path) -> None:
    archive = write("squashfs", tmp_path / "a.squashfs", odd_names())
    with pytest.raises(NotABundle, match="which cannot be read from a squashfs image") as caught:
        scanned(archive)
    assert "unsquashfs" in caught.value.hint


@pytest.mark.parametrize(
    "error", [KeyError("a bug"), ValueError("a bug"), EOFError("a bug"), OSError(errno.EIO, "disk")]
)
def test_what_goes_wrong_with_who_looks_comes_through(archive: Path, error: Exception) -> None:
    def look(*_: object) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        open_archive(str(archive)).scan(look)
    assert caught.value is error


def test_an_archive_that_is_cut_off_is_told(archive: Path, tmp_path: Path) -> None:
    data = archive.read_bytes()
    cut = tmp_path / "cut"
    for size in sorted({0, 1, 5, 300, *(len(data) * part // 40 for part in range(40)), len(data) - 1}):
        if archive.name[2:] in PADDED and not any(data[size:]):
            continue  # zeros at the end are padding
        cut.write_bytes(data[:size])
        with pytest.raises(NotABundle, match=r"is damaged|no archive that bundler knows|no self-extracting bundle"):
            scanned(cut)


def test_an_archive_with_other_bytes_is_told_or_read(archive: Path, tmp_path: Path) -> None:
    """Nothing else is raised; where each byte is covered by a checksum, what is read is what was written."""
    name = archive.name[2:]
    data, before = archive.read_bytes(), scanned(archive)
    dice = random.Random(SEED)
    spoiled = tmp_path / "spoiled"
    told = 0
    for _ in range(300):
        at = dice.randrange(len(data))
        length = dice.choice([1, 8, 64])
        spoiled.write_bytes((data[:at] + dice.randbytes(length) + data[at + length :])[: len(data)])
        try:
            found = scanned(spoiled)
        except NotABundle as error:
            told += 1
            assert str(spoiled) in error.message
            continue
        if name in CHECKED:
            assert found == before, f"{length} bytes at {at}"
    assert told > 10, "much of it is no padding, and not the script of a .run file"


@pytest.mark.parametrize("name", ["tar", "tar.gz", "tar.zst", "run"])
def test_an_archive_with_more_at_its_end_is_told(tmp_path: Path, name: str) -> None:
    archive = write(name, tmp_path / f"a.{name}", sample(tmp_path))
    archive.write_bytes(archive.read_bytes() + b"x" * 512)
    with pytest.raises(NotABundle, match="is damaged"):
        scanned(archive)


def blobs(image: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(image) as archive:
        return [member for member in archive if member.name.startswith("blobs/")]


def test_each_blob_of_an_image_is_checked(tmp_path: Path) -> None:
    image = write("oci.tar", tmp_path / "a.oci.tar", sample(tmp_path))
    data = image.read_bytes()
    members = blobs(image)
    assert len(members) == 5, "three layers, a configuration and a manifest"
    for member in members:
        at = member.offset_data + member.size // 2
        for length in (1, 64):
            spoiled = bytearray(data)
            spoiled[at : at + length] = bytes(byte ^ 0x55 for byte in data[at : at + length])
            image.write_bytes(spoiled)
            with pytest.raises(NotABundle, match="is damaged"):
                scanned(image)


def test_a_layer_that_is_whole_in_itself_and_another_is_damaged(tmp_path: Path) -> None:
    """Its own checksum fits, its name does not."""
    image = write("oci.tar", tmp_path / "a.oci.tar", sample(tmp_path))
    other = write("oci.tar", tmp_path / "b.oci.tar", [*sample(tmp_path)[:-2], sample(tmp_path)[-1]])
    layer, its = blobs(image)[0], blobs(other)[0]
    data = bytearray(image.read_bytes())
    with open(other, "rb") as file:
        file.seek(its.offset_data)
        data[layer.offset_data : layer.offset_data + its.size] = file.read(its.size)
    data[layer.offset_data + its.size : layer.offset_data + layer.size] = bytes(layer.size - its.size)
    image.write_bytes(data)
    with pytest.raises(NotABundle, match=f"{layer.name}"):
        scanned(image)


def test_an_image_whose_two_descriptions_differ_is_damaged(tmp_path: Path) -> None:
    image = write("oci.tar", tmp_path / "a.oci.tar", sample(tmp_path))
    with tarfile.open(image) as archive:
        member = archive.getmember("manifest.json")
        described = json.loads(archive.extractfile(member).read())  # type: ignore[union-attr]
    data = bytearray(image.read_bytes())
    layers = described[0]["Layers"]
    layers[0], layers[1] = layers[1], layers[0]
    data[member.offset_data : member.offset_data + member.size] = json.dumps(described, indent=1).encode()
    image.write_bytes(data)
    with pytest.raises(NotABundle, match="two images"):
        scanned(image)


@pytest.mark.parametrize("content", [b"", b"x", b"some text\n" * 100, b"\x7fELF" + bytes(1000)])
def test_what_is_no_archive_is_told_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(NotABundle, match="no archive that bundler knows"):
        open_tree(str(tmp_path / "file"))


def test_a_script_that_is_no_bundle_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")
    with pytest.raises(NotABundle, match="a script, and no self-extracting bundle"):
        scanned(tmp_path / "script")


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "app.tar", "w") as tar:
        tar.add(__file__, "bundle.json")

    def unpack(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out")

    with pytest.raises(OSError, match="No space left on device: 'out'"):
        open_archive(str(tmp_path / "app.tar")).scan(unpack)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_each_file_is_closed_when_it_was_looked_at(tmp_path: Path, suffix: str) -> None:
    """A file that closes itself, forgotten, loses what a signal raises meanwhile: the pack would go on."""
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("bundle.json", "other"):
        (folder / name).write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "app"), {"tar.gz": "gztar"}.get(suffix, suffix), folder)
    seen: list[BinaryIO] = []

    def look(_: Member, file: BinaryIO | None) -> None:
        assert all(other.closed for other in seen), "one is closed before the next is opened"
        if file is not None:
            seen.append(file)

    open_archive(archive).scan(look)
    assert [file.closed for file in seen] == [True, True]


def test_a_folder_of_a_squashfs_image_is_listed_once(tmp_path: Path) -> None:
    """One that lies in several places, or in itself, would be listed again and again."""
    with open_image(str(write("squashfs", tmp_path / "a.squashfs", odd_names()[:1]))) as image:
        assert [item.path for item in image] == ["/", "/dir"]
        root = image.sblk.root_inode
        with pytest.raises(EOFError, match="several places"):
            image._dir_scan(root >> 16, root & 0xFFFF)
