"""A second attempt in the same folder: all is as if there had been no first one, and what is the same was not written again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from bundler.binaries.patch import overwrite
from bundler.entries import (
    Content,
    Deferred,
    Digests,
    Directory,
    Entry,
    Layer,
    Link,
    Literal,
    Patched,
    Source,
    stamp_of,
)
from bundler.options import LinkMode
from bundler.sinks import Written
from bundler.sinks.directories.directory import DirectorySink, open_directory
from tests.material.snapshots import snapshot

TIME = 1_700_000_000_123_456_789
Between = Callable[[Path, Path], object]
"""What happens to the written bundle, and to the sources, between the attempts."""


def entry(path: str, content: Content, mode: int = 0o644) -> Entry:
    return Entry(path, content, mode, TIME, Layer.RUNTIME, "env:")


def source(path: Path, *, known: bool = False) -> Source:
    facts = path.stat()
    return Source(str(path), facts.st_size, stamp_of(facts), sha256(path.read_bytes()).digest() if known else None)


def listing(digests: Digests) -> bytes:
    return b"\n".join(
        os.fsencode(path) + b" " + digest.sha256.hex().encode() for path, digest in sorted(digests.items())
    )


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    folder.mkdir()
    for name in ("one", "two", "three", "library"):
        (folder / name).write_bytes(name.encode() * 1000)
    return folder


def entries(sources: Path, *, known: bool = False) -> list[Entry]:
    """Files of every kind, a folder that nobody may write to, and a list of all."""
    library = source(sources / "library", known=known)
    patch = overwrite(library.size, {10: b"patched"})
    digest = sha256(patch.apply((sources / "library").read_bytes())).digest()
    return [
        entry("a", Directory(), 0o755),
        *(entry(f"a/{name}", source(sources / name, known=known)) for name in ("one", "two", "three")),
        entry("a/lib.so", Patched(library.path, patch, library.stamp, digest if known else None), 0o755),
        entry("a/text", Literal(b"text")),
        entry("closed", Directory(), 0o555),
        entry("closed/link", Link("../a/one"), 0o777),
        entry("list", Deferred(listing)),
    ]


def tree(root: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time and content by path, but for the root, whose time is its own."""
    found = snapshot(root)
    del found[str(root)]
    return {os.path.relpath(path, root): (facts.mode, facts.modified, facts.content) for path, facts in found.items()}


def tick(folder: Path) -> None:
    """Return when the clock of the file system shows another time."""
    began = None
    while True:
        with tempfile.TemporaryFile(dir=folder) as file:
            now = os.fstat(file.fileno()).st_ctime_ns
        if began is not None and now > began:
            return
        began = began or now


def send(sink: DirectorySink, wanted: Sequence[Entry]) -> Written:
    for item in wanted:
        sink.add(item)
    return sink.finish()


def inodes(root: str) -> dict[str, int]:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = os.lstat(path).st_ino
    return found


def twice(
    out: Path, first: Sequence[Entry], second: Sequence[Entry], between: Between = lambda root, sources: None
) -> tuple[Written, set[str]]:
    """Write both one after the other; what was written last, and the paths that are the first attempt's files still."""
    with open_directory(str(out), force=True, link=LinkMode.COPY) as sink:
        send(sink, first)
        tick(out.parent)
        sink.finish()  # what was written in the same moment as its end counts as touched
        before = inodes(sink.root)
        held = [os.open(os.path.join(sink.root, path), os.O_PATH | os.O_NOFOLLOW) for path in before]
        between(Path(sink.root), out.parent / "sources")
        assert sink.begin_again()
        written = send(sink, second)
        after = inodes(sink.root)
        for descriptor in held:  # as long as they are open no other file gets their numbers
            os.close(descriptor)
        sink.place()
    return written, {path for path, inode in after.items() if before.get(path) == inode}


def once(out: Path, wanted: Sequence[Entry]) -> Written:
    with open_directory(str(out), force=True, link=LinkMode.COPY) as sink:
        written = send(sink, wanted)
        sink.place()
    return written


@pytest.mark.parametrize("known", [True, False])
def test_what_is_the_same_is_not_written_again(tmp_path: Path, sources: Path, known: bool) -> None:
    """What the first attempt hashed may be known by now."""
    wanted = entries(sources, known=known)
    written, stays = twice(tmp_path / "out", entries(sources), wanted)
    whole = once(tmp_path / "whole", wanted)
    assert stays == {"a/one", "a/two", "a/three", "a/lib.so", "a/text", "closed/link"}
    assert (written.digests, written.entries, written.size) == (whole.digests, whole.entries, whole.size)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_the_second_plan_decides(tmp_path: Path, sources: Path) -> None:
    wanted = {item.path: item for item in entries(sources)}
    del wanted["a/two"], wanted["closed"], wanted["closed/link"]
    wanted["a/one"] = wanted["a/one"]._replace(mode=0o755)
    wanted["a/text"] = entry("a/text", Literal(b"TEXT"))
    wanted["a/three"] = entry("a/three", Directory(), 0o755)
    wanted["a/three/inside"] = entry("a/three/inside", Link("../one"), 0o777)
    wanted["list"] = wanted.pop("list")
    written, stays = twice(tmp_path / "out", entries(sources), list(wanted.values()))
    whole = once(tmp_path / "whole", list(wanted.values()))
    assert stays == {"a/lib.so"}
    assert written.digests == whole.digests
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def written_in_place(root: Path, sources: Path) -> None:
    """With its time and size as they were."""
    path = root / "a/one"
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(TIME, TIME))


def other_mode(root: Path, sources: Path) -> None:
    (root / "a/one").chmod(0o600)


def gone(root: Path, sources: Path) -> None:
    (root / "a/one").unlink()


def replaced_by_a_folder(root: Path, sources: Path) -> None:
    (root / "a/one").unlink()
    (root / "a/one").mkdir()
    (root / "a/one/inside").write_text("")


def other_source(root: Path, sources: Path) -> None:
    (sources / "one").write_bytes(b"eno" * 1000)


@pytest.mark.parametrize("between", [written_in_place, other_mode, gone, replaced_by_a_folder, other_source])
def test_what_changed_meanwhile_is_written_again(tmp_path: Path, sources: Path, between: Between) -> None:
    first = entries(sources)
    second: list[Entry] = []

    def change(root: Path, folder: Path) -> None:
        between(root, folder)
        second.extend(entries(sources))

    _, stays = twice(tmp_path / "out", first, _Late(second), change)
    once(tmp_path / "whole", entries(sources))
    assert "a/one" not in stays and "a/two" in stays
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


class _Late(list[Entry]):
    """Entries that are made between the attempts."""

    def __init__(self, found: list[Entry]) -> None:
        self._found = found

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._found)


def test_what_modules_made_in_the_bundle_is_gone(tmp_path: Path, sources: Path) -> None:
    def make(root: Path, _sources: Path) -> None:
        (root / "a/__pycache__").mkdir()
        (root / "a/__pycache__/x.pyc").write_text("")
        (root / "log").write_text("")

    twice(tmp_path / "out", entries(sources), entries(sources), make)
    once(tmp_path / "whole", entries(sources))
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_file_without_a_stamp_is_written_again(tmp_path: Path, sources: Path) -> None:
    """Nothing tells whether it has changed."""
    bare = [
        item._replace(content=item.content._replace(stamp=b"")) if isinstance(item.content, Source) else item
        for item in entries(sources)
    ]
    _, stays = twice(tmp_path / "out", bare, bare)
    assert stays == {"a/lib.so", "a/text", "closed/link"}
