"""The sinks of one file: archives that the plain tools of a target take, with the same bytes for the same plan."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from bundler.entries import Literal, Source
from bundler.errors import OutputExists, OutputFailed
from bundler.formats import ARCHIVES
from tests.sinks.samples import CODECS, FORMATS, TIME, entry, extract, open_sink, sample, write


@pytest.mark.parametrize(
    ("name", "how"),
    [
        *((name, "tar -xf") for name in ("tar", "tar.gz", "tar.xz", "tar.bz2")),
        ("tar", "busybox tar -xf"),
        ("tar.gz", "busybox tar -xzf"),
        ("tar.xz", "busybox tar -xJf"),
        ("tar.bz2", "busybox tar -xjf"),
        *((name, "bsdtar -xf") for name in (*CODECS, "zip")),
        ("tar.zst", "tar --zstd -xf"),
        ("zip", "unzip -q"),
        ("squashfs", "unsquashfs -q -n -f -d ."),
        ("run", "dash"),
        ("run", "busybox sh"),
        ("run", "bash --posix"),
    ],
)  # fmt: skip
def test_an_archive_extracts_with_the_plain_tools_of_a_target(tmp_path: Path, name: str, how: str) -> None:
    archive = write(name, tmp_path / f"a.{name}", sample(tmp_path))
    extract(how, archive, tmp_path / "out")
    target = tmp_path / "out/app" if name == "run" else tmp_path / "out"
    for path, mode in (("bin/run", 0o755), ("big", 0o644), ("bin", 0o755)):
        assert stat.S_IMODE((target / path).stat().st_mode) == mode
    if name != "zip":  # local time there, and what the tools make of it
        assert (target / "bin/run").stat().st_mtime == TIME
    assert (target / ("bin/" + "n" * 150)).read_bytes() == b"long name"
    assert (target / "bin/é").read_bytes() == b"a name in UTF-8"
    assert os.readlink(target / "link") == "bin/run"
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()
    digest = hashlib.sha256((target / "big").read_bytes()).hexdigest()
    assert f"big {digest}".encode() in (target / "bundle.json").read_bytes()


def test_python_extracts_with_its_data_filter(tmp_path: Path) -> None:
    archive = write("tar.xz", tmp_path / "a.tar.xz", sample(tmp_path))
    with tarfile.open(archive) as file:
        if not hasattr(tarfile, "data_filter"):
            pytest.skip("this Python's tarfile has no filters")
        file.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out/link").read_bytes() == b"#!/bin/sh\n"


@pytest.mark.parametrize("name", FORMATS)
def test_threads_folder_and_umask_do_not_show(tmp_path: Path, name: str) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "another folder").mkdir()
    entries = sample(tmp_path)
    one = write(name, tmp_path / f"one/a.{name}", entries, threads=1).read_bytes()
    umask = os.umask(0o077)
    try:
        four = write(name, tmp_path / f"another folder/a.{name}", entries, threads=4).read_bytes()
    finally:
        os.umask(umask)
    assert one == four
    entries[2] = entry("bin/run", Literal(b"#!/bin/SH\n"), 0o755)
    assert one != write(name, tmp_path / f"one/b.{name}", entries).read_bytes(), "another input, other bytes"


@pytest.mark.parametrize("name", FORMATS)
def test_an_error_leaves_nothing_and_what_was_there(tmp_path: Path, name: str) -> None:
    source = tmp_path / "growing"
    source.write_bytes(b"12345")
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("before")
    entries = [entry("first", Literal(b"1" * 5_000_000)), entry("growing", Source(str(source), 4))]
    with pytest.raises(OutputFailed, match="changed while it was packed"):
        write(name, out / "a", entries, force=True)
    assert os.listdir(out) == ["a"]
    assert (out / "a").read_text() == "before"


@pytest.mark.parametrize("name", [form.name for form in ARCHIVES if form.streams or form.has_levels])
def test_a_level_that_the_format_lacks_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputFailed, match="has levels"):
        write(name, tmp_path / "a", sample(tmp_path), level=99)
    assert "a" not in os.listdir(tmp_path)


def test_gunzip_reads_the_parallel_stream_to_its_end(tmp_path: Path) -> None:
    archive = write("tar.gz", tmp_path / "a.tar.gz", sample(tmp_path), level=1)
    plain = write("tar", tmp_path / "a.tar", sample(tmp_path))
    packed = archive.read_bytes()
    assert gzip.decompress(packed) == plain.read_bytes()
    subprocess.run(["gzip", "-t", str(archive)], check=True)
    archive.write_bytes(packed[:-1])
    assert subprocess.run(["gzip", "-t", str(archive)], check=False, capture_output=True).returncode != 0


def test_a_top_folder_stands_above_every_entry(tmp_path: Path) -> None:
    with tarfile.open(write("tar.gz", tmp_path / "a.tar.gz", sample(tmp_path), top="app-1.0")) as archive:
        names = archive.getnames()
    assert names[0] == "app-1.0"
    with zipfile.ZipFile(write("zip", tmp_path / "a.zip", sample(tmp_path), top="app-1.0")) as zipped:
        names += [name.rstrip("/") for name in zipped.namelist()]
    assert all(name == "app-1.0" or name.startswith("app-1.0/") for name in names)


def test_names_that_are_not_utf_8_survive_tar_and_are_refused_for_zip(tmp_path: Path) -> None:
    entries = [entry("\udce9", Literal(b"a name in Latin-1"))]
    extract("tar -xf", write("tar", tmp_path / "a.tar", entries), tmp_path / "out")
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"\xe9"]
    with pytest.raises(OutputFailed, match="UTF-8"):
        write("zip", tmp_path / "a.zip", entries)


def test_an_archive_in_the_way_is_replaced_only_with_force(tmp_path: Path) -> None:
    out = write("tar.gz", tmp_path / "a.tar.gz", sample(tmp_path))
    before = out.read_bytes()
    with pytest.raises(OutputExists):
        open_sink("tar.gz", out)
    assert out.read_bytes() == before
    write("tar.gz", out, sample(tmp_path)[:-1], force=True)
    assert out.read_bytes() != before


def test_no_time_of_a_squashfs_image_tells_when_it_was_made(tmp_path: Path) -> None:
    from PySquashfsImage import SquashFsImage

    archive = write("squashfs", tmp_path / "a.squashfs", sample(tmp_path))
    with SquashFsImage.from_file(str(archive)) as image:
        assert {item.time for item in image} == {TIME}, "the root directory's, too"
    assert int.from_bytes(archive.read_bytes()[8:12], "little") == TIME
