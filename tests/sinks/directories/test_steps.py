"""A pack is stopped or killed behind each step by which its output takes its place: it is the old or the new, to the last mode.

What was killed, the next pack to the same place brings to an end, and it may be killed at that as well.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bundler.destination import ToFile
from bundler.entries import Directory, Entry, Literal
from bundler.formats import archive_named
from bundler.manifest import read_contents
from bundler.output_facts import ArchiveFacts, DirectoryFacts
from bundler.sinks import Sink, steps
from bundler.sinks.archives.archive import ArchiveSettings, open_archive
from bundler.sinks.directories.directory import open_directory
from bundler.sinks.directories.in_place import open_in_place
from bundler.sinks.directories.updating import open_update
from bundler.sinks.placement import Target
from tests.sinks.directories.stopping import Ended, How, every_step, run_until
from tests.sinks.samples import NEEDS, entry

FACTS = DirectoryFacts("bundle.json", read_contents, lambda _: False)
OLD = {
    "bin/app": b"old",
    "bundle.json": b'{"bundler": "old"}',
    "lib/closed/data": b"old",
    "lib/deep/er/file": b"old",
    "lib/kept": b"kept",
    "lib/was_file": b"old",
    "lib/was_folder/file": b"old",
    "only_old/x": b"old",
}
NEW = {
    "bin/app": b"new",
    "bundle.json": b'{"bundler": "new"}',
    "lib/closed/data": b"new",
    "lib/kept": b"kept",
    "lib/new/file": b"new",
    "lib/was_file/file": b"new",
    "lib/was_folder": b"new",
    "only_new": b"new",
}
State = dict[str, tuple[object, ...]]


def entries(files: dict[str, bytes]) -> list[Entry]:
    """In path order; one folder may not be written to."""
    found = {path: entry(path, Literal(data)) for path, data in files.items()}
    for path in files:
        while path := path.rpartition("/")[0]:
            found[path] = entry(path, Directory(), 0o555 if path == "lib/closed" else 0o755)
    return [found[path] for path in sorted(found)]


def state(path: Path) -> State:
    """Everything at and below a path, but the times of what is at it."""
    if not path.is_dir():
        return {"": (path.read_bytes(),)} if path.exists() else {}
    found: State = {}
    for below in path.rglob("*"):
        facts = below.lstat()
        content = below.read_bytes() if below.is_file() else None
        found[str(below.relative_to(path))] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


@dataclass(frozen=True)
class Scenario:
    """A kind of output: how what is there before is made, how a sink is opened, and how the system hinders the swap."""

    before: Callable[[Path], object]
    open: Callable[[str], Sink]
    hinder: Callable[[Path], object] = lambda _: None


def write(sink: Sink, files: dict[str, bytes]) -> None:
    with sink:
        for item in entries(files):
            sink.add(item)
        sink.finish()
        sink.place()


def old_bundle(out: Path) -> None:
    write(open_directory(str(out), force=True, cache=False), OLD)


def old_archive(out: Path) -> None:
    out.write_bytes(b"old")


def link_to_bundle(out: Path) -> None:
    old_bundle(out.parent / "meant")
    out.symlink_to("meant")


def nothing(_: Path) -> None:
    pass


def replaced(out: str) -> Sink:
    return open_directory(out, force=True, cache=False)


def updated(out: str) -> Sink:
    return open_update(out, FACTS, force=True, cache=False)


def archive(out: str) -> Sink:
    settings = ArchiveSettings(ArchiveFacts(0, 0, NEEDS))
    return open_archive(ToFile(out, archive_named("tar"), force=True), settings)


def no_exchange(_: Path) -> None:
    """As an old kernel."""
    steps.exchange = lambda one, other: False


def no_rename(out: Path) -> None:
    """As a mount point, and with folders in a lower layer of overlayfs."""
    old = {str(out / name) for name in ("bin", "lib", "lib/closed", "lib/deep", "lib/deep/er", "only_old")}
    real = steps.rename

    def rename(source: str, target: str) -> None:
        if source in old:
            old.remove(source)
            raise OSError(errno.EXDEV, "in a lower layer")
        real(source, target)

    def exchange(one: str, other: str) -> bool:
        raise OSError(errno.EBUSY, "a mount point", one, None, other)

    steps.rename = rename
    steps.exchange = exchange


SCENARIOS = {
    "a new directory": Scenario(nothing, replaced),
    "an empty directory": Scenario(Path.mkdir, replaced),
    "an exchange": Scenario(old_bundle, replaced),
    "two renames": Scenario(old_bundle, replaced, no_exchange),
    "in place of a link": Scenario(link_to_bundle, replaced),
    "child by child": Scenario(old_bundle, replaced, no_rename),
    "in place of an environment": Scenario(old_bundle, lambda out: open_in_place(out, threads=1), no_rename),
    "an update": Scenario(old_bundle, updated),
    "an archive": Scenario(old_archive, archive),
}


MANY_STEPS = ("child by child", "in place of an environment", "an update")


@pytest.fixture(params=SCENARIOS)
def cases(request: pytest.FixtureRequest, tmp_path: Path) -> Cases:
    return Cases(SCENARIOS[request.param], tmp_path)


# Two ends in one pack: as many pairs as there are steps, squared.
twice = pytest.mark.parametrize(
    "cases",
    [pytest.param(name, marks=pytest.mark.everything if name in MANY_STEPS else ()) for name in SCENARIOS],
    indirect=True,
)


@dataclass(frozen=True)
class Case:
    """A fresh copy of a scenario."""

    scenario: Scenario
    out: Path

    def pack(self) -> None:
        self.scenario.hinder(self.out)
        write(self.scenario.open(str(self.out)), NEW)

    def recover(self) -> None:
        """What the next pack does first."""
        Target(str(self.out), force=True).check()


class Cases:
    """Copies of one scenario, and what its output may be."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self._scenario = scenario
        self._folder = folder
        self._number = 0
        first = self.make()
        self.old = state(first.out)
        first_end = run_until(first.pack, {})
        assert first_end is Ended.DONE
        self.new = state(first.out)
        assert self.new not in ({}, self.old)

    def make(self) -> Case:
        self._number += 1
        out = self._folder / f"{self._number}" / "out"
        out.parent.mkdir()
        self._scenario.before(out)
        return Case(self._scenario, out)

    def check(self, case: Case, ends: object) -> None:
        """It is the old or the new, and nothing else is left."""
        found = state(case.out)
        differing = [
            {path for path in found.keys() | wanted.keys() if found.get(path) != wanted.get(path)}
            for wanted in (self.old, self.new)
        ]
        assert set() in differing, f"ended behind {ends}: differs from the old and from the new in {differing}"
        assert [name for name in os.listdir(case.out.parent) if name.startswith(".")] == [], ends

    def remove(self, case: Case) -> None:
        for path in [case.out.parent, *case.out.parent.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(case.out.parent)


def each(cases: Cases, how: How) -> Iterator[tuple[Case, dict[int, How]]]:
    """A pack that ended behind each step."""
    for ends in every_step(how):
        case = cases.make()
        ended = run_until(case.pack, ends)
        yield case, ends
        cases.remove(case)
        if ended is Ended.DONE:
            assert len(ends) == 1
            assert next(iter(ends)) > 1, "no step was seen"
            return


def test_a_pack_that_is_stopped_behind_any_step_leaves_the_old_or_the_new_and_nothing_else(cases: Cases) -> None:
    for case, ends in each(cases, How.STOPPED):
        cases.check(case, ends)


def test_a_pack_that_is_killed_behind_any_step_is_brought_to_an_end_by_the_next(cases: Cases) -> None:
    for case, ends in each(cases, How.KILLED):
        case.recover()
        cases.check(case, ends)


@twice
def test_what_is_killed_while_it_brings_things_to_an_end_is_brought_to_an_end_by_the_next(cases: Cases) -> None:
    for first, ends in each(cases, How.KILLED):
        for again in every_step(How.KILLED):
            case = cases.make()
            run_until(case.pack, ends)
            ended = run_until(case.recover, again)
            case.recover()
            cases.check(case, (ends, again))
            cases.remove(case)
            if ended is Ended.DONE:
                break
        assert first.out


@twice
def test_what_is_killed_while_it_clears_up_after_a_signal_is_brought_to_an_end_by_the_next(cases: Cases) -> None:
    for _, ends in each(cases, How.STOPPED):
        (number,) = ends
        for more in range(1, 1000):
            case = cases.make()
            ended = run_until(case.pack, {**ends, number + more: How.KILLED})
            case.recover()
            cases.check(case, (ends, more))
            cases.remove(case)
            if ended is not Ended.KILLED:
                break
