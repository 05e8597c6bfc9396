"""Work shared among processes: all is done once, errors are told, and nobody is left behind."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bundler.errors import OutputFailed
from bundler.sinks.directories import processes
from bundler.sinks.directories.processes import HeadStart, share
from tests.material.processes import children

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="children share the work on Linux only")
SLOW = 0.002  # seconds: no process does all before the others have begun


def slowly(number: int) -> tuple[int, int]:
    """A piece of work that tells who did it."""
    time.sleep(SLOW)
    return number * number, os.getpid()


def shared(
    folder: Path, work: Callable[[int], tuple[int, int]], by: int = 3, count: int = 100
) -> dict[int, tuple[int, int]]:
    """What was collected, by number; each number once."""
    found: dict[int, tuple[int, int]] = {}

    def collect(number: int, result: tuple[int, int]) -> None:
        assert number not in found
        found[number] = result

    share(count, work, collect, by, str(folder))
    return found


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Children share the work, though the process that runs the tests has several threads; none of them is left."""
    monkeypatch.setattr(processes, "can_fork", lambda: True)
    before = children()
    yield
    assert children() == before


@LINUX
@pytest.mark.usefixtures("forks")
@pytest.mark.parametrize("number", [1, 3])
def test_all_is_done_once_by_as_many_processes(tmp_path: Path, number: int) -> None:
    found = shared(tmp_path, slowly, number)
    assert {at: result for at, (result, _) in found.items()} == {at: at**2 for at in range(100)}
    assert len({process for _, process in found.values()}) == number
    assert list(tmp_path.iterdir()) == []


@LINUX
@pytest.mark.usefixtures("forks")
def test_what_stops_a_child_is_raised_and_nothing_more_is_begun(tmp_path: Path) -> None:
    parent = os.getpid()

    def work(number: int) -> tuple[int, int]:
        if os.getpid() != parent:
            raise OutputFailed(f"the disk is full at {number > 0}")
        (tmp_path / f"{number}").touch()
        return slowly(number)

    with pytest.raises(OutputFailed, match="the disk is full at"):
        shared(tmp_path, work, count=10_000)
    assert len(list(tmp_path.iterdir())) < 1000


@LINUX
@pytest.mark.usefixtures("forks")
def test_a_child_that_was_killed_is_told(tmp_path: Path) -> None:
    parent = os.getpid()

    def work(number: int) -> tuple[int, int]:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return slowly(number)

    with pytest.raises(OutputFailed, match="was stopped"):
        shared(tmp_path, work)


@LINUX
@pytest.mark.usefixtures("forks")
def test_a_child_that_was_killed_while_it_told_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pickle.dumps
    monkeypatch.setattr(pickle, "dumps", lambda *told: whole(*told)[:-10])
    with pytest.raises(OutputFailed, match="was stopped"):
        shared(tmp_path, slowly)


class Odd(Exception):
    """One that is not made again of its arguments."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


@LINUX
@pytest.mark.usefixtures("forks")
@pytest.mark.parametrize(
    ("deed", "kind", "words"),
    [
        (lambda: exec("raise KeyError('a bug')"), KeyError, "a bug"),
        (lambda: exec("raise Odd('this', 'that')", {"Odd": Odd}), OutputFailed, r"failed: Odd: this and that \(.*:1\)"),
        (lambda: lambda: None, (AttributeError, pickle.PicklingError), "pickle"),
    ],
    ids=["a bug", "an error that cannot be made again", "an outcome that cannot be sent"],
)
def test_what_goes_wrong_in_a_child_is_told_as_what_it_is(
    tmp_path: Path, deed: Callable[[], object], kind: type[Exception], words: str
) -> None:
    parent = os.getpid()

    def work(number: int) -> object:
        return deed() if os.getpid() != parent else slowly(number)

    with pytest.raises(kind, match=words):
        share(100, work, lambda *_: None, 3, str(tmp_path))


@LINUX
@pytest.mark.usefixtures("forks")
@pytest.mark.parametrize("allowed", [0, 1])
def test_where_there_may_be_no_more_processes_fewer_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    fork = os.fork
    made: list[None] = []

    def limited() -> int:
        if len(made) == allowed:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        made.append(None)
        return fork()

    monkeypatch.setattr(os, "fork", limited)
    descriptors = os.listdir("/proc/self/fd")
    assert len({process for _, process in shared(tmp_path, slowly, by=4).values()}) == 1 + allowed
    for end in (HeadStart.stop, HeadStart.abandon):
        assert not end(HeadStart(100, slowly, str(tmp_path)))
    assert os.listdir("/proc/self/fd") == descriptors


@LINUX
@pytest.mark.usefixtures("forks")
def test_an_error_here_ends_the_children(tmp_path: Path) -> None:
    parent = os.getpid()

    def work(number: int) -> tuple[int, int]:
        if os.getpid() != parent:
            time.sleep(40)
        raise OSError("no space")

    begun = time.monotonic()
    with pytest.raises(OSError, match="no space"):
        shared(tmp_path, work)
    assert time.monotonic() - begun < 20


@LINUX
@pytest.mark.usefixtures("forks")
def test_somebody_else_may_wait_for_the_children(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert len(shared(tmp_path, slowly)) == 100
        start = HeadStart(100_000, slowly, str(tmp_path))
        time.sleep(0.1)
        assert start.stop()
        HeadStart(100_000, slowly, str(tmp_path)).abandon()
    finally:
        signal.signal(signal.SIGCHLD, before)


@LINUX
@pytest.mark.usefixtures("forks")
def test_a_head_start_ends_where_it_is_told_to(tmp_path: Path) -> None:
    start = HeadStart(100_000, slowly, str(tmp_path))
    time.sleep(0.2)
    done = start.stop()
    assert [(number, result) for number, (result, _) in done] == [(number, number**2) for number in range(len(done))]
    assert 0 < len(done) < 10_000


@pytest.mark.parametrize("broken", [False, True])
def test_threads_do_the_work_of_a_process_that_has_several(tmp_path: Path, broken: bool) -> None:
    def work(number: int) -> tuple[int, int]:
        if broken and number == 50:
            raise OutputFailed("broken")
        return slowly(number)[0], threading.get_ident()

    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    try:
        if broken:
            with pytest.raises(OutputFailed, match="broken"):
                shared(tmp_path, work)
            return
        found = shared(tmp_path, work)
    finally:
        end.set()
        other.join()
    assert {number: result for number, (result, _) in found.items()} == {number: number**2 for number in range(100)}
    assert len({thread for _, thread in found.values()}) == 3


@LINUX
def test_threads_do_the_work_where_proc_is_not_mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> list[str]:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "listdir", missing)
    assert {process for _, process in shared(tmp_path, slowly).values()} == {os.getpid()}


ENDLESS = """
import os, signal, sys, time
from bundler.sinks.directories.processes import share

def work(number):
    if os.getpid() != parent:
        os.write(1, b"%d " % os.getpid())
    time.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)
parent = os.getpid()
share(3, work, lambda *_: None, 3, sys.argv[1])
"""


@LINUX
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_children_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    read = process.stdout.read
    born = [int("".join(iter(lambda: read(1), " "))) for _ in range(2)]
    try:
        process.send_signal(number)
        process.wait(timeout=30)
        deadline = time.monotonic() + 20
        while any(map(is_running, born)) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not any(map(is_running, born))
    finally:
        for child in filter(is_running, born):
            os.kill(child, signal.SIGKILL)


def is_running(process: int) -> bool:
    return os.path.exists(f"/proc/{process}")
