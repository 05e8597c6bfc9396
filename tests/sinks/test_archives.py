"""The sinks of one file: archives that the plain tools of a target take, with the same bytes for the same plan."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bundler.errors import OutputExists, OutputFailed
from bundler.plan.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal, Source
from bundler.sinks import Sink
from bundler.sinks.compression import BZIP2, GZIP, PLAIN, XZ, ZSTANDARD, Codec
from bundler.sinks.oci import ImageSettings, OciSink, by_layer
from bundler.sinks.oci_base import BaseImage, read_base
from bundler.sinks.output import FileOutput
from bundler.sinks.self_extracting import SelfExtractingSink
from bundler.sinks.squashfs import SquashfsSink
from bundler.sinks.tar import TarSink
from bundler.sinks.zip import ZipSink

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
        big.write_bytes(os.urandom(1000) * 15000)
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
        if shutil.which("mksquashfs") is None:
            pytest.skip("mksquashfs is not installed")
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
    program, *rest = how.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    target.mkdir()
    subprocess.run([program, *rest, str(archive)], cwd=target, check=True, capture_output=True)


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


@pytest.mark.parametrize("name", [*CODECS, "zip", "squashfs"])
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
        open_sink("tar.gz", out).__enter__()
    assert out.read_bytes() == before
    write("tar.gz", out, sample(tmp_path)[:-1], force=True)
    assert out.read_bytes() != before


def layers_of(image: Path) -> list[tuple[str, list[str]]]:
    """Digest and names of each layer."""
    with tarfile.open(image) as archive:
        docker = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        found = []
        for name in docker[0]["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                found.append((name, layer.getnames()))
        return found


def test_a_layer_s_bytes_stay_where_only_another_changed(tmp_path: Path) -> None:
    entries = sample(tmp_path)
    before = layers_of(write("oci.tar", tmp_path / "a.oci.tar", entries))
    entries[-1] = entry("bundle.json", Literal(b"new"), layer=Layer.APPLICATION)
    after = layers_of(write("oci.tar", tmp_path / "b.oci.tar", entries))
    assert [one[0] == other[0] for one, other in zip(before, after, strict=True)] == [True, True, False]
    assert [names for _, names in before] == [
        ["app", "app/bin", "app/bin/" + "n" * 150, "app/bin/run", "app/big", "app/link"],
        ["app", "app/bin/é"],
        ["app", "app/bundle.json"],
    ]


def test_a_directory_lies_in_the_lowest_layer_that_needs_it() -> None:
    entries = [
        entry("lib", Directory(), 0o755, Layer.PACKAGES),
        entry("lib/python", Literal(b""), layer=Layer.RUNTIME),
        entry("lib/site", Directory(), 0o755, Layer.RUNTIME),
        entry("lib/site/app", Literal(b""), layer=Layer.APPLICATION),
    ]
    layers = {layer: [item.path for item in found] for layer, found in by_layer(entries).items()}
    assert layers == {Layer.RUNTIME: ["lib", "lib/python"], Layer.APPLICATION: ["lib/site", "lib/site/app"]}


def test_an_image_is_a_base_for_another_and_for_skopeo(tmp_path: Path) -> None:
    first = write("oci.tar", tmp_path / "a.oci.tar", sample(tmp_path))
    settings = ImageSettings("other", ("/other/x",), "nobody", ("A=1",), (("b", "2"),), "name:1")
    for name, base in (("b", first), ("c", tmp_path / "b.oci.tar")):
        with OciSink(
            FileOutput(str(tmp_path / f"{name}.oci.tar"), force=False), read_base(str(base)), settings
        ) as sink:
            sink.add(entry(name, Literal(b"x")))
            sink.finish()
            sink.place()
    assert [len(layers_of(tmp_path / f"{name}.oci.tar")) for name in "abc"] == [3, 4, 5]
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    for kind in ("oci-archive", "docker-archive"):
        done = subprocess.run(
            ["skopeo", "inspect", "--config", f"{kind}:{tmp_path / 'c.oci.tar'}"],
            capture_output=True,
            text=True,
            check=True,
        )
        config = json.loads(done.stdout)["config"]
        assert config["Entrypoint"] == ["/other/x"]
        assert config["User"] == "nobody"
        assert config["Env"][0].startswith("PATH=/other/bin:/other/bin:/app/bin:")
        assert config["Env"][1:] == ["A=1"]
        assert config["Labels"] == {"bundler.folder": "/other", "b": "2"}


def test_a_base_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no image")
    tar = write("tar", tmp_path / "a.tar", sample(tmp_path))
    for path in (tmp_path / "text", tar, tmp_path / "missing"):
        with pytest.raises(OutputFailed, match="cannot be read as an image"):
            read_base(str(path))


SHELLS = ("dash", "busybox sh", "bash --posix")


def run_file(tmp_path: Path, shell: str) -> tuple[Path, Callable[..., subprocess.CompletedProcess[str]]]:
    """A self-extracting file in a folder with an odd name, and how to call it under a shell."""
    if shutil.which(shell.split(maxsplit=1)[0]) is None:
        pytest.skip(f"{shell.split(maxsplit=1)[0]} is not installed")
    folder = tmp_path / "sp ace 'q\" $HOME"
    folder.mkdir()
    entries = sample(tmp_path)
    entries[2] = entry("bin/run", Literal(b'#!/bin/sh\necho started "$@"\n'), 0o755)
    path = write("run", folder / "a.run", entries)

    def call(*arguments: str | Path, cwd: Path = folder) -> subprocess.CompletedProcess[str]:
        command = [*shell.split(), str(path), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)

    return path, call


@pytest.mark.parametrize("shell", SHELLS)
def test_a_self_extracting_file_does_what_it_says(tmp_path: Path, shell: str) -> None:
    path, call = run_file(tmp_path, shell)
    assert os.access(path, os.X_OK)
    assert "usage" in call("--help").stdout
    assert call("--nonsense").returncode == 2
    assert call("--check").stdout == "a.run is whole\n"
    assert "bin/run" in call("--list").stdout.splitlines()
    target = tmp_path / "deep er/-target"
    done = call("--target", target)
    assert done.returncode == 0, done.stderr
    assert (target / "big").read_bytes() == (tmp_path / "big").read_bytes()
    assert call("--target", target).returncode == 1, "nothing is replaced unasked"
    (target / "old").touch()
    assert call(f"--target={target}", "--force").returncode == 0
    assert not (target / "old").exists()
    assert os.listdir(target.parent) == ["-target"]
    assert call("--target", "-t", "--start", "a b", "--force").stdout == "started a b --force\n"
    assert call("--target", "-t", "--start").stdout == "started\n"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").touch()
    assert call("--target", precious, "--force").returncode == 1
    assert os.listdir(precious) == ["thesis"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("damage", ["a byte", "the end", "more"])
def test_a_damaged_payload_touches_nothing(tmp_path: Path, shell: str, damage: str) -> None:
    path, call = run_file(tmp_path, shell)
    data = bytearray(path.read_bytes())
    if damage == "a byte":
        data[-1000] ^= 1
    path.write_bytes({"a byte": bytes(data), "the end": bytes(data[:-7]), "more": bytes(data) + b"x"}[damage])
    for arguments in (["--target", "out"], ["--check"], ["--list"], ["--target", "out", "--start"]):
        done = call(*arguments)
        assert done.returncode == 1
        assert "damaged" in done.stderr
    assert os.listdir(path.parent) == ["a.run"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_full_disk_leaves_the_bundle_that_was_there(tmp_path: Path, shell: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    _, call = run_file(tmp_path, shell)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], check=True)
    try:
        (disk / "app").mkdir()
        (disk / "app/bundle.json").write_text("before")
        done = call("--target", disk / "app", "--force")
        assert done.returncode == 1
        assert "cannot be unpacked" in done.stderr
        assert os.listdir(disk) == ["app"]
        assert os.listdir(disk / "app") == ["bundle.json"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_target_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = write("run", folder / "a.run", sample(tmp_path))
        command: list[str | Path] = [
            "setpriv",
            "--reuid=65534",
            "--clear-groups",
            "sh",
            path,
            "--target",
            folder / "app",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "cannot be written to" in done.stderr
        assert os.listdir(folder) == ["a.run"]


def test_no_time_of_a_squashfs_image_tells_when_it_was_made(tmp_path: Path) -> None:
    from PySquashfsImage import SquashFsImage

    archive = write("squashfs", tmp_path / "a.squashfs", sample(tmp_path))
    with SquashFsImage.from_file(str(archive)) as image:
        assert {item.time for item in image} == {TIME}, "the root directory's, too"
    assert int.from_bytes(archive.read_bytes()[8:12], "little") == TIME
