"""The tar sink: archives that every reader takes, with the same bytes for the same plan."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from bundler.errors import OutputExists, OutputFailed
from bundler.plan.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal, Source
from bundler.sinks.tar import TarSink


def entry(path: str, content: Source | Literal | Link | Directory | Deferred, mode: int = 0o644) -> Entry:
    return Entry(path, content, mode, 1_700_000_000_123_456_789, Layer.RUNTIME, "bundler")


def sample(folder: Path) -> list[Entry]:
    big = folder / "big"
    big.write_bytes(os.urandom(1000) * 5000)

    def listing(digests: Digests) -> bytes:
        return b"\n".join(os.fsencode(path) + b" " + digest.sha256.hex().encode() for path, digest in digests.items())

    return [
        entry("bin", Directory(), 0o755),
        entry("bin/run", Literal(b"#!/bin/sh\n"), 0o755),
        entry("bin/" + "n" * 150, Literal(b"long name")),
        entry("bin/\udce9", Literal(b"a name in Latin-1")),
        entry("big", Source(str(big), 5_000_000)),
        entry("link", Link("bin/run"), 0o777),
        entry("listing", Deferred(listing)),
    ]


def write(folder: Path, name: str, entries: list[Entry], **options: int | str | bool) -> Path:
    out = folder / name
    with TarSink(str(out), force=False, **options) as sink:  # type: ignore[arg-type]
        for item in entries:
            sink.add(item)
        sink.finish()
    return out


@pytest.mark.parametrize("reader", ["tar", "busybox"])
def test_an_archive_extracts_with_the_plain_tools_of_a_target(tmp_path: Path, reader: str) -> None:
    if shutil.which(reader) is None:
        pytest.skip(f"{reader} is not installed")
    archive = write(tmp_path, "a.tar.gz", sample(tmp_path))
    target = tmp_path / "out"
    target.mkdir()
    command = [reader] if reader == "tar" else ["busybox", "tar"]
    subprocess.run([*command, "xzf", str(archive), "-C", str(target)], check=True)
    assert (target / "bin/run").stat().st_mode & 0o777 == 0o755
    assert (target / "bin/run").stat().st_mtime == 1_700_000_000
    assert (target / ("bin/" + "n" * 150)).read_bytes() == b"long name"
    assert os.path.exists(os.fsencode(target) + b"/bin/\xe9")
    assert os.readlink(target / "link") == "bin/run"
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()
    digest = hashlib.sha256((target / "big").read_bytes()).hexdigest()
    assert f"big {digest}".encode() in (target / "listing").read_bytes()


def test_any_number_of_threads_gives_the_same_bytes(tmp_path: Path) -> None:
    entries = sample(tmp_path)
    one = write(tmp_path, "one.tar.gz", entries, threads=1).read_bytes()
    four = write(tmp_path, "four.tar.gz", entries, threads=4).read_bytes()
    assert one == four
    assert one != write(tmp_path, "other.tar.gz", entries[:-1], threads=4).read_bytes()


def test_gunzip_reads_the_parallel_stream_to_its_end(tmp_path: Path) -> None:
    entries = sample(tmp_path)
    archive = write(tmp_path, "a.tar.gz", entries, level=1)
    plain = write(tmp_path, "a.tar", entries, gzip=False)
    packed = archive.read_bytes()
    assert gzip.decompress(packed) == plain.read_bytes()
    subprocess.run(["gzip", "-t", str(archive)], check=True)
    archive.write_bytes(packed[:-1])
    assert subprocess.run(["gzip", "-t", str(archive)], check=False, capture_output=True).returncode != 0


def test_a_top_folder_stands_above_every_entry(tmp_path: Path) -> None:
    with tarfile.open(write(tmp_path, "a.tar.gz", sample(tmp_path), top="app-1.0")) as archive:
        names = archive.getnames()
    assert names[0] == "app-1.0"
    assert all(name == "app-1.0" or name.startswith("app-1.0/") for name in names)


def test_a_source_that_grows_while_it_is_read_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "growing"
    source.write_bytes(b"12345")
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(OutputFailed, match="changed while it was packed"):
        with TarSink(str(out / "a.tar.gz"), force=False) as sink:
            sink.add(entry("growing", Source(str(source), 4)))
    assert os.listdir(out) == []


def test_an_archive_in_the_way_is_replaced_only_with_force(tmp_path: Path) -> None:
    out = write(tmp_path, "a.tar.gz", sample(tmp_path))
    before = out.read_bytes()
    with pytest.raises(OutputExists):
        TarSink(str(out), force=False).__enter__()
    assert out.read_bytes() == before
    with TarSink(str(out), force=True) as sink:
        sink.finish()
    assert out.read_bytes() != before
