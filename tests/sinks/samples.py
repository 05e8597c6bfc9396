"""A few entries of every kind, and how each format is written and unpacked."""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path

from bundler.destination import ToFile
from bundler.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal, Patched, Source
from bundler.formats import ARCHIVES, archive_named
from bundler.options import ImageOptions
from bundler.output_facts import ArchiveFacts, ImageFacts, TargetNeeds
from bundler.sinks import Sink
from bundler.sinks.archives.archive import ArchiveSettings, open_archive
from tests.material.programs import need, need_unpacker

TIME = 1_700_000_000
CODECS = tuple(form.name for form in ARCHIVES if form.streams)
FORMATS = tuple(form.name for form in ARCHIVES)
IMAGE = ImageFacts("app", "bin", ("/app/bin/run",), "linux", "amd64")
NEEDS = TargetNeeds("Linux", (os.uname().machine,), (), "glibc", "2.17")
FACTS = ArchiveFacts(TIME * 1_000_000_000, TIME * 1_000_000_000, NEEDS, "bin/run", IMAGE)
NO_BASE = ImageOptions()


def entry(
    path: str,
    content: Source | Patched | Literal | Link | Directory | Deferred,
    mode: int = 0o644,
    layer: Layer = Layer.RUNTIME,
) -> Entry:
    return Entry(path, content, mode, TIME * 1_000_000_000 + 123_456_789, layer, "bundler")


def listing(digests: Digests) -> bytes:
    return b"\n".join(os.fsencode(path) + b" " + digest.sha256.hex().encode() for path, digest in digests.items())


def manifest(digests: Digests) -> bytes:
    """As `bundle.json` tells of files, a line each, and of the link in `sample`."""
    files = {path: f'{{"sha256": "{digest.sha256.hex()}"}}' for path, digest in digests.items()}
    files["link"] = '{"link": "bin/run"}'
    lines = ",\n".join(f"  {json.dumps(path)}: {told}" for path, told in files.items())
    return f'{{\n "schema": 1,\n "bundler": "0",\n "files": {{\n{lines}\n }}\n}}\n'.encode()


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
    name: str,
    out: Path,
    *,
    force: bool = False,
    threads: int = 2,
    level: int | None = None,
    top: str = "",
    facts: ArchiveFacts = FACTS,
    image: ImageOptions = NO_BASE,
    reuse: tuple[str, ...] = (),
    cache: bool = True,
) -> Sink:
    if name == "squashfs":
        need("mksquashfs")
    settings = ArchiveSettings(facts, "app", top, level, threads, image, reuse, cache)
    return open_archive(ToFile(str(out), archive_named(name), force), settings)


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
        assert written.place is not None
        assert os.stat(written.place).st_size == written.size
        assert sink.place() == str(out)
    return out


def extract(how: str, archive: Path, target: Path) -> None:
    """Unpack with a foreign tool; skips where it is not installed."""
    words = need_unpacker(how, archive.name)
    target.mkdir()
    subprocess.run([*words, str(archive)], cwd=target, check=True, capture_output=True)
