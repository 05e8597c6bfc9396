"""`--update`: the bundle that a whole pack would make, with only what differs touched; or all as it was."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from bundler.entries import Deferred, Digests, Directory, Entry, Layer, Link, Literal, Source, stamp_of
from bundler.errors import NotABundle, OutputExists, OutputFailed
from bundler.manifest import read_contents
from bundler.output_facts import DirectoryFacts
from bundler.sinks import Written
from bundler.sinks.directories.directory import open_directory
from bundler.sinks.directories.updating import open_update

TIME = 1_700_000_000_123_456_789
State = dict[str, tuple[object, ...]]
FACTS = DirectoryFacts("bundle.json", read_contents, lambda path: path.endswith(".pyc"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/bundler/packs"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A tree with files of one time, a folder that may not be written to, and a link."""
    folder = tmp_path / "source"
    (folder / "bin").mkdir(parents=True)
    (folder / "lib/closed").mkdir(parents=True)
    for name in ("bin/app", "lib/one.py", "lib/two.py", "lib/closed/data"):
        (folder / name).write_text(f"content of {name}")
    (folder / "bin/link").symlink_to("app")
    os.chmod(folder / "lib/closed", 0o555)
    settle(folder)
    return folder


def settle(folder: Path) -> None:
    """The same time for everything: only content tells versions apart."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, ns=(TIME, TIME), follow_symlinks=False)


def listing(digests: Digests, link: str) -> bytes:
    files = {path: {"sha256": digest.sha256.hex(), "size": digest.size} for path, digest in sorted(digests.items())}
    return json.dumps({"bundler": "0", "schema": 1, "files": {**files, "bin/link": {"link": link}}}).encode()


def entries(folder: Path, *, stamps: bool = True) -> list[Entry]:
    """What a plan would have: everything below a folder, a literal, and `bundle.json`."""
    found = []
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        known = (stamp_of(facts), sha256(path.read_bytes()).digest()) if stamps and path.is_file() else (None, None)
        content: Directory | Link | Source = Source(str(path), facts.st_size, *known)
        if path.is_symlink():
            content = Link(os.readlink(path))
        elif path.is_dir():
            content = Directory()
        mode = stat.S_IMODE(facts.st_mode)
        found.append(
            Entry(path.relative_to(folder).as_posix(), content, mode, facts.st_mtime_ns, Layer.RUNTIME, "env:")
        )
    found.append(Entry("pyvenv.cfg", Literal(b"version = 3\n"), 0o644, TIME, Layer.RUNTIME, "bundler"))
    link = os.readlink(folder / "bin/link")
    manifest = Deferred(lambda digests: listing(digests, link))
    found.append(Entry("bundle.json", manifest, 0o644, TIME, Layer.APPLICATION, "bundler"))
    return found


def whole(out: Path, items: list[Entry]) -> None:
    with open_directory(str(out), force=True, threads=2) as sink:
        for item in items:
            sink.add(item)
        sink.finish()
        sink.place()


def update(out: Path, items: list[Entry], *, force: bool = False) -> Written:
    with open_update(str(out), FACTS, force=force) as sink:
        for item in items:
            sink.add(item)
        written = sink.finish()
        sink.place()
    return written


def state(folder: Path, *, inodes: bool = False) -> State:
    """Every path with mode, time and content; with `inodes` also what tells whether it was touched at all."""
    found: State = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (facts.st_mode, facts.st_mtime_ns, content)
        if inodes:
            found[path.relative_to(folder).as_posix()] += (facts.st_ino, facts.st_ctime_ns)
    return found


def touched(before: State, after: State) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def change_everything(folder: Path) -> None:
    """A new version: other content of the same size and time, something new, something gone, a folder for a file."""
    os.chmod(folder / "lib/closed", 0o755)
    (folder / "lib/closed/data").write_text("CONTENT of lib/closed/data")
    os.chmod(folder / "lib/closed", 0o555)
    (folder / "lib/one.py").unlink()
    (folder / "lib/new/deep").mkdir(parents=True)
    (folder / "lib/new/deep/file").write_text("new")
    (folder / "lib/two.py").unlink()
    (folder / "lib/two.py").mkdir()
    (folder / "lib/two.py/inside").write_text("a folder of that name")
    (folder / "bin/link").unlink()
    (folder / "bin/link").symlink_to("../lib/new")
    settle(folder)


def test_nothing_changed_and_nothing_but_nothing_is_touched(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    before = state(out, inodes=True)
    assert update(out, entries(source)).updated == (0, 0)
    assert state(out, inodes=True) == before


def test_unchanged_sources_are_not_even_read(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    items = [
        item._replace(content=item.content._replace(path="/nowhere")) if isinstance(item.content, Source) else item
        for item in entries(source)
    ]
    assert update(out, items).updated == (0, 0)


def test_what_differs_is_touched_and_only_that(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    before = state(out, inodes=True)
    (source / "lib/one.py").write_text("CONTENT OF lib/one.py")  # the same size
    settle(source)
    assert update(out, entries(source)).updated == (2, 0)
    assert touched(before, state(out, inodes=True)) == {"lib", "lib/one.py", "bundle.json"}
    assert (out / "lib/one.py").read_text() == "CONTENT OF lib/one.py"


@pytest.mark.parametrize("record", ["with a record", "without a record", "from another place"])
def test_an_update_gives_what_a_whole_pack_gives(source: Path, tmp_path: Path, cache: Path, record: str) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    if record == "without a record":
        for path in cache.iterdir():
            path.unlink()
    elif record == "from another place":
        out = out.rename(tmp_path / "moved")
    change_everything(source)
    update(out, entries(source))
    whole(tmp_path / "fresh", entries(source))
    assert state(out) == state(tmp_path / "fresh")
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []


def test_a_source_without_a_stamp_is_compared(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source, stamps=False))
    (source / "lib/one.py").write_text("CONTENT OF lib/one.py")
    settle(source)
    assert update(out, entries(source, stamps=False)).updated == (2, 0)


def edit(out: Path) -> None:
    (out / "bin/app").write_text("Content of bin/app")


def edit_and_hide_it(out: Path) -> None:
    edit(out)
    os.utime(out / "bin/app", ns=(TIME, TIME))


def install(out: Path) -> None:
    (out / "lib/installed").mkdir()
    (out / "lib/installed/module.py").write_text("by pip")


def relink(out: Path) -> None:
    (out / "bin/link").unlink()
    (out / "bin/link").symlink_to("elsewhere")


@pytest.mark.parametrize("deed", [edit, edit_and_hide_it, install, relink])
def test_what_somebody_did_to_the_bundle_is_lost_only_with_force(
    source: Path, tmp_path: Path, deed: Callable[[Path], None]
) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    time.sleep(0.02)  # file systems count time in steps
    deed(out)
    change_everything(source)
    before = state(out, inodes=True)
    with pytest.raises(OutputExists, match=r"was changed after the pack: (bin/app|lib/installed/module.py|bin/link)"):
        update(out, entries(source))
    assert state(out, inodes=True) == before
    update(out, entries(source), force=True)
    whole(tmp_path / "fresh", entries(source))
    assert state(out) == state(tmp_path / "fresh")


def test_modules_that_python_compiled_in_the_bundle_go_unasked(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    (out / "lib/__pycache__").mkdir()
    (out / "lib/__pycache__/one.cpython-312.pyc").write_text("compiled")
    assert update(out, entries(source)).updated == (0, 1)
    assert not (out / "lib/__pycache__").exists()


class Failure(BaseException):
    """Something that goes wrong."""


@pytest.mark.parametrize(
    "when", ["while writing", "on a missing source", "at the first rename", "amid", "in the audit"]
)
def test_after_a_failure_everything_is_as_it_was(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    change_everything(source)
    before = state(out)
    items = entries(source)
    if when == "on a missing source":
        items[-2] = Entry("pyvenv.cfg", Source(str(tmp_path / "gone"), 1), 0o644, TIME, Layer.RUNTIME, "env:")
    renames = {"at the first rename": 1, "amid": 6}.get(when, 1000)
    real = os.rename

    def rename(one: str, other: str) -> None:
        nonlocal renames
        renames -= 1
        if renames == 0:
            raise Failure
        real(one, other)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises((Failure, OSError, OutputFailed)), open_update(str(out), FACTS, force=False) as sink:
        for item in items:
            sink.add(item)
            if when == "while writing" and item.path == "lib/new/deep/file":
                raise Failure
        sink.finish()
        assert when == "in the audit"
        assert state(out) != before
        raise Failure
    assert state(out) == before
    assert sorted(os.listdir(tmp_path)) == ["cache", "out", "source"]


def test_two_updates_at_once_are_refused(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole(out, entries(source))
    held = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputExists, match="another pack updates"):
            update(out, entries(source))
    finally:
        os.close(held)


def test_a_directory_that_is_no_bundle_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/thesis").write_text("years of work")
    with pytest.raises((OutputExists, NotABundle, OutputFailed)):
        update(tmp_path / "precious", entries(source), force=True)
    assert os.listdir(tmp_path / "precious") == ["thesis"]


def test_a_link_to_a_bundle_stays_and_the_bundle_is_updated(source: Path, tmp_path: Path) -> None:
    whole(tmp_path / "out", entries(source))
    (tmp_path / "current").symlink_to("out")
    (source / "lib/one.py").write_text("new")
    update(tmp_path / "current", entries(source))
    assert (tmp_path / "current").is_symlink()
    assert (tmp_path / "out/lib/one.py").read_text() == "new"
