"""A few entries of every kind, and how each format is written and unpacked."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

from bundler.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal, Source
from bundler.sinks import Sink
from bundler.sinks.archives.compression import BZIP2, GZIP, PLAIN, XZ, ZSTANDARD, Codec
from bundler.sinks.archives.output import FileOutput
from bundler.sinks.archives.self_extracting import SelfExtractingSink
from bundler.sinks.archives.squashfs import SquashfsSink
from bundler.sinks.archives.tar import TarSink
from bundler.sinks.archives.zip import ZipSink
from bundler.sinks.images.oci import ImageSettings, OciSink
from bundler.sinks.images.oci_base import BaseImage
from tests.material.tools import need, need_unpacker

TIME = 1_700_000_000
CODECS: dict[str, Codec] = {"tar": PLAIN, "tar.gz": GZIP, "tar.zst": ZSTANDARD, "tar.xz": XZ, "tar.bz2": BZIP2}
FORMATS = (*CODECS, "zip", "squashfs", "run", "oci.tar")


def entry(
    path: str, content: Source | Literal | Link | Directory | Deferred, mode: int = 0o644, layer: Layer = Layer.RUNTIME
) -> Entry:
    return Entry(path, content, mode, TIME * 1_000_000_000 + 123_456_789, layer, "bundler")


def listing(digests: Digests) -> bytes:
    return b"\n".join(os.fsencode(path) + b" " + digest.sha256.hex().encode() for path, digest in digests.items())


def sample(folder: Path) -> list[Entry]:
    big = folder / "big"
    if not big.exists():
        big.write_bytes(random.Random(4).randbytes(1000) * 15000)
    return [
        entry("bin", Directory(), 0o755),
        entry("bin/" + "n" * 150, Literal(b"long name")),
        entry("bin/run", Literal(b"#!/bin/sh\n"), 0o755),
        entry("bin/é", Literal(b"a name in UTF-8"), layer=Layer.PACKAGES),
        entry("big", Source(str(big), big.stat().st_size)),
        entry("link", Link("bin/run"), 0o777),
        entry("bundle.json", Deferred(listing), layer=Layer.APPLICATION),
    ]


def open_sink(
    name: str, out: Path, *, force: bool = False, threads: int = 2, level: int | None = None, top: str = ""
) -> Sink:
    output = FileOutput(str(out), force=force, executable=name == "run")
    if name == "zip":
        return ZipSink(output, top=top, level=level)
    if name == "squashfs":
        need("mksquashfs")
        return SquashfsSink(output, TIME * 1_000_000_000, top=top, level=level, threads=threads)
    if name == "run":
        return SelfExtractingSink(output, "app", "bin/run", level=level, threads=threads)
    if name == "oci.tar":
        return OciSink(output, BaseImage(), ImageSettings("app", ("/app/bin/run",)), level=level, threads=threads)
    return TarSink(output, CODECS[name], top=top, level=level, threads=threads)


def write(
    name: str,
    out: Path,
    entries: list[Entry],
    *,
    threads: int = 2,
    level: int | None = None,
    top: str = "",
    force: bool = False,
) -> Path:
    with open_sink(name, out, force=force, threads=threads, level=level, top=top) as sink:
        for item in entries:
            sink.add(item)
        written = sink.finish()
        assert (not force and not out.exists()) or force
        assert os.stat(written.path).st_size == written.size
        assert sink.place() == str(out)
    return out


def extract(how: str, archive: Path, target: Path) -> None:
    """Unpack with a foreign tool; skips where it is not installed."""
    words = need_unpacker(how, archive.name)
    target.mkdir()
    subprocess.run([*words, str(archive)], cwd=target, check=True, capture_output=True)
