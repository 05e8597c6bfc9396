"""The directory sink: a whole tree in place, or nothing."""

from __future__ import annotations

import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from bundler.binaries.patch import overwrite
from bundler.entries import Content, Deferred, Digests, Directory, Entry, Layer, Link, Literal, Patched, Source
from bundler.errors import OutputExists, OutputFailed
from bundler.options import LinkMode
from bundler.sinks.directories import processes, writer
from bundler.sinks.directories.directory import open_directory
from tests.material.programs import need

TIME = 1_700_000_000_123_456_789


def entry(path: str, content: Content, mode: int = 0o644) -> Entry:
    return Entry(path, content, mode, TIME, Layer.RUNTIME, "bundler")


def bundle(text: bytes = b"1") -> list[Entry]:
    return [
        entry("bin", Directory(), 0o555),
        entry("bin/app", Literal(text), 0o755),
        entry("bundle.json", Literal(json.dumps({"bundler": "0"}).encode())),
    ]


def write(out: Path, entries: list[Entry], *, force: bool = False, link: LinkMode = LinkMode.AUTO) -> None:
    with open_directory(str(out), force=force, link=link, threads=2) as sink:
        for item in entries:
            sink.add(item)
        sink.finish()
        sink.place()


def leftovers(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith(".")]


def test_modes_times_links_and_patches_arrive(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"hello world")
    write(
        tmp_path / "out",
        [
            entry("a", Directory(), 0o555),
            entry("a/copied", Source(str(source), 11), 0o440),
            entry("a/link", Link("copied"), 0o777),
            entry("a/patched", Patched(str(source), overwrite(11, {0: b"J"})), 0o600),
        ],
    )
    copied = tmp_path / "out/a/copied"
    assert copied.read_bytes() == b"hello world"
    assert copied.stat().st_mode & 0o777 == 0o440
    assert copied.stat().st_mtime_ns == TIME
    assert (tmp_path / "out/a").stat().st_mode & 0o777 == 0o555
    assert (tmp_path / "out/a").stat().st_mtime_ns == TIME
    assert os.lstat(tmp_path / "out/a/link").st_mtime_ns == TIME
    assert (tmp_path / "out/a/patched").read_bytes() == b"Jello world"
    assert leftovers(tmp_path) == []


def test_an_error_leaves_nothing_and_keeps_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, bundle(b"old"))
    with pytest.raises(OutputFailed):
        write(out, [*bundle(b"new"), entry("lost", Source(str(tmp_path / "out/bin/app"), 99))], force=True)
    assert (out / "bin/app").read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_force_swaps_a_bundle_and_refuses_any_other_directory(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, bundle(b"old"))
    with pytest.raises(OutputExists, match="exists"):
        write(out, bundle(b"new"))
    write(out, bundle(b"new"), force=True)
    assert (out / "bin/app").read_bytes() == b"new"
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("years of work")
    with pytest.raises(OutputExists, match="no bundle"):
        write(precious, bundle(), force=True)
    assert (precious / "thesis").read_text() == "years of work"
    assert leftovers(tmp_path) == []


def test_an_empty_directory_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", bundle())
    assert (tmp_path / "out/bin/app").exists()


def test_hard_links_share_bytes_only_where_nothing_is_changed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"hello")
    os.utime(source, ns=(TIME, TIME))
    entries = [
        entry("same", Source(str(source), 5)),
        entry("other", Patched(str(source), overwrite(5, {0: b"J"}))),
        entry("meant", Source(str(tmp_path / "link"), 5)),
    ]
    (tmp_path / "link").symlink_to("source")
    write(tmp_path / "out", entries, link=LinkMode.HARDLINK)
    assert os.path.samefile(tmp_path / "out/same", source)
    assert not os.path.samefile(tmp_path / "out/other", source)
    assert not (tmp_path / "out/meant").is_symlink()
    assert os.path.samefile(tmp_path / "out/meant", source)
    assert source.read_bytes() == b"hello"


def mounted(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a mount namespace of its own, with `$T` as a tmpfs below."""
    if os.geteuid() != 0:
        pytest.skip("needs root for a mount namespace")
    text = f"set -e; T={tmp_path}/t; mkdir -p $T; mount -t tmpfs none $T; {script}"
    return subprocess.run([need("unshare"), "-m", "sh", "-c", text], capture_output=True, text=True, check=False)


WRITE = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tests.sinks.directories.test_directory import bundle, write
write(Path(sys.argv[1]), bundle(sys.argv[2].encode()), force=True)
"""


def python_that_writes(tmp_path: Path) -> str:
    import sys

    script = tmp_path / "write.py"
    script.write_text(WRITE.format(path=[os.getcwd(), *sys.path]))
    return f"{sys.executable} {script}"


def test_over_a_directory_of_an_overlay_s_lower_layer_it_falls_back(tmp_path: Path) -> None:
    write(tmp_path / "lower/out", [*bundle(b"old"), entry("gone", Literal(b""))])
    python = python_that_writes(tmp_path)
    done = mounted(
        tmp_path,
        f"mkdir $T/up $T/work $T/m; mount -t overlay overlay -o lowerdir={tmp_path}/lower,upperdir=$T/up,workdir=$T/work"
        f" $T/m || exit 77; {python} $T/m/out new; cat $T/m/out/bin/app; echo; ls -A $T/m $T/m/out",
    )
    if done.returncode == 77:
        pytest.skip("no overlayfs here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["new", f"{tmp_path}/t/m:", "out", f"{tmp_path}/t/m/out:", "bin", "bundle.json"]


def test_what_is_made_of_a_file_that_was_replaced_is_made_of_the_new_one(tmp_path: Path) -> None:
    """A signature, of `bundle.json`."""

    def digest(digests: Digests) -> bytes:
        return digests["bundle.json"].sha256.hex().encode()

    with open_directory(str(tmp_path / "out"), force=False) as sink:
        for item in (*bundle(), entry("signature", Deferred(digest))):
            sink.add(item)
        sink.finish()
        sink.replace(entry("bundle.json", Literal(b"another")))
        sink.replace(entry("signature", Deferred(digest)))
        sink.place()
    assert (tmp_path / "out/signature").read_text() == sha256(b"another").hexdigest()


def test_a_mount_point_is_filled_and_replaced_in_its_place(tmp_path: Path) -> None:
    python = python_that_writes(tmp_path)
    done = mounted(
        tmp_path,
        f"mkdir $T/m; mount -t tmpfs none $T/m; {python} $T/m one; cat $T/m/bin/app; {python} $T/m two;"
        " cat $T/m/bin/app; ls -A $T/m",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["onetwobin", "bundle.json"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    python = python_that_writes(tmp_path)
    done = mounted(
        tmp_path,
        f"mkdir $T/m; mount -t tmpfs -o size=64k none $T/m; {python} $T/m/out old; head -c 40000 /dev/zero > $T/m/fill;"
        f" {python} $T/m/out $(head -c 30000 /dev/zero | tr '\\0' x) && exit 3; cat $T/m/out/bin/app; ls -A $T/m",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["oldfill", "out"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    out = tmp_path / "out"
    living = open_directory(str(out), force=False)
    with living:
        (its,) = tmp_path.iterdir()
        left = tmp_path / ".out.bundler-killed"
        (left / "new/bin").mkdir(parents=True)
        other = tmp_path / ".other.bundler-killed"
        other.mkdir()
        for folder in (its, left, other):
            os.utime(folder, (1_000_000_000, 1_000_000_000))
        write(out, [entry("bundle.json", Literal(b'{"bundler": "0"}'))])
        assert sorted(tmp_path.iterdir()) == sorted([its, other, out])


@pytest.mark.parametrize("number", [1, 3])
def test_files_are_written_by_several_processes_and_an_error_of_theirs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(writer, "_LEAST_SHARE", 1)
    monkeypatch.setattr(processes, "can_fork", lambda: True)
    sources = []
    for name in range(6):
        sources.append(tmp_path / f"source-{name}")
        sources[-1].write_bytes(bytes([name]) * 1_000_000)
    entries = [entry(path.name, Source(str(path), 1_000_000)) for path in sources]
    with open_directory(str(tmp_path / "out"), force=False, threads=number) as sink:
        for item in entries:
            sink.add(item)
        written = sink.finish()
        sink.place()
    assert {path: digest.sha256 for path, digest in written.digests.items()} == {
        path.name: sha256(path.read_bytes()).digest() for path in sources
    }
    sources[3].write_bytes(b"shorter")
    with pytest.raises(OutputFailed, match="source-3 changed while it was packed"):
        write(tmp_path / "other", entries)
    assert leftovers(tmp_path) == []
