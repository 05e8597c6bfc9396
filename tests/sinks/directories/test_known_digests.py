"""A digest that is known is not computed again; one that is known no longer is. What stands in `digests` is true."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from bundler.binaries.patch import overwrite
from bundler.entries import Content, Deferred, Entry, Layer, Patched, Source, Stamp, stamp_of
from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.sinks import Sink, Written
from bundler.sinks.archives.tar import TarStream
from bundler.sinks.copying import every_change_shows
from bundler.sinks.directories.directory import open_directory
from tests.sinks.samples import open_sink

TIME = 1_700_000_000_123_456_789
MARK = b"\x01" * 32  # a digest that no file has: where it comes back, nothing was hashed
SMALL, LARGE = 1000, 3 << 20


def directory(link: LinkMode) -> Callable[[Path], Sink]:
    return lambda out: open_directory(str(out), force=False, link=link, threads=2)


SINKS: dict[str, Callable[[Path], Sink]] = {
    "copies": directory(LinkMode.COPY),
    "clones": directory(LinkMode.AUTO),
    "hard links": directory(LinkMode.HARDLINK),
    "tar": lambda out: open_sink("tar", out),
    "zip": lambda out: open_sink("zip", out),
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(params=[SMALL, LARGE], ids=["small", "large"])
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "file"
    path.write_bytes(random.Random(4).randbytes(request.param))
    os.utime(path, ns=(TIME, TIME))
    return path


def whole(file: Path, sha: bytes = MARK) -> Source:
    facts = file.stat()
    return Source(str(file), facts.st_size, stamp_of(facts), sha)


def patched(file: Path, sha: bytes = MARK) -> Patched:
    facts = file.stat()
    return Patched(str(file), overwrite(facts.st_size, {5: b"patch"}), stamp_of(facts), sha)


def write(kind: str, out: Path, content: Content) -> Written:
    with SINKS[kind](out) as sink:
        sink.add(Entry("file", content, 0o644, TIME, Layer.RUNTIME, "env:"))
        written = sink.finish()
        sink.place()
    return written


def change_unseen(file: Path) -> None:
    """Other content in the same inode, of the same size and time."""
    with open(file, "r+b") as opened:
        opened.write(b"changed")
    os.utime(file, ns=(TIME, TIME))


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("content", [whole, patched])
def test_what_is_known_is_not_hashed(
    tmp_path: Path, file: Path, kind: str, content: Callable[[Path], Source | Patched]
) -> None:
    assert write(kind, tmp_path / "out", content(file)).digests["file"].sha256 == MARK


@pytest.mark.parametrize("kind", SINKS)
@pytest.mark.parametrize("content", [whole, patched])
def test_a_file_that_changed_after_the_plan_is_hashed_though_size_and_time_are_the_same(
    tmp_path: Path, file: Path, kind: str, content: Callable[[Path], Source | Patched]
) -> None:
    planned = content(file)
    change_unseen(file)
    digest = write(kind, tmp_path / "out", planned).digests["file"]
    data = file.read_bytes()
    if isinstance(planned, Patched):
        data = planned.patch.apply(data)
    assert digest.sha256 == sha256(data).digest()


class Meddler:
    """Changes a file amid its reading: once, when the kernel or Python is asked for some of it."""

    def __init__(self, file: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
        real = getattr(os, call)
        left = [True]

        def meddling(*arguments: object, **named: object) -> object:
            result = real(*arguments, **named)
            if left.pop() if left else False:
                change_unseen(file)
            return result

        monkeypatch.setattr(os, call, meddling)


def test_a_copy_in_the_kernel_amid_which_the_file_changes_is_hashed(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Meddler(file, "copy_file_range" if file.stat().st_size == LARGE else "read", monkeypatch)
    digest = write("copies", tmp_path / "out", whole(file)).digests["file"]
    assert digest.sha256 == sha256((tmp_path / "out/file").read_bytes()).digest()


@pytest.mark.parametrize("content", [whole, patched])
def test_an_archive_amid_which_a_large_file_changes_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Callable[[Path], Source | Patched]
) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(LARGE))
    os.utime(file, ns=(TIME, TIME))
    planned = content(file)

    real = TarStream.write

    def write_and_change(stream: TarStream, data: bytes) -> None:
        if len(data) > SMALL:  # no header
            change_unseen(file)
        real(stream, data)

    monkeypatch.setattr(TarStream, "write", write_and_change)
    with pytest.raises(OutputFailed, match="changed while it was packed"):
        write("tar", tmp_path / "out", planned)


def linked(out: Path, file: Path, meanwhile: Callable[[Path], None] = lambda file: None) -> Mapping[str, Stamp]:
    """The stamps that a sink tells of, where somebody does something to the file right after it was linked."""
    with SINKS["hard links"](out) as sink:
        sink.add(Entry("file", whole(file), 0o644, TIME, Layer.RUNTIME, "env:"))
        sink.add(Entry("end", Deferred(lambda digests: b""), 0o644, TIME, Layer.RUNTIME, "env:"))  # waits for the link
        meanwhile(file)
        return {path: stamp for path, stamp in sink.finish().stamps.items() if stamp == stamp_of(file.stat())}


def test_a_link_tells_the_new_stamp_of_its_source_which_later_changes_do_not_have(tmp_path: Path, file: Path) -> None:
    if not every_change_shows(str(tmp_path)):
        pytest.skip("needs a kernel that gives each change a time of its own (Linux 6.13 or later)")
    assert linked(tmp_path / "one", file).keys() == {"file"}
    assert linked(tmp_path / "other", file, change_unseen) == {}


def test_where_the_clock_of_the_file_system_is_coarse_a_link_tells_nothing(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fstat

    class Coarse:
        def __init__(self, facts: os.stat_result) -> None:
            self._facts = facts
            self.st_ctime_ns = facts.st_ctime_ns // 4_000_000 * 4_000_000

        def __getattr__(self, name: str) -> object:
            return getattr(self._facts, name)

    monkeypatch.setattr(os, "fstat", lambda descriptor: Coarse(real(descriptor)))
    assert linked(tmp_path / "out", file) == {}
