"""Work that processes share: this one and its children take the next piece each, until none is left.

Writing a small file is a few short steps, at which Python's threads hinder each other; processes do not.
"""

from __future__ import annotations

import contextlib
import ctypes
import pickle
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.machine.signals import signals_wait

Result = TypeVar("Result")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def share(
    count: int,
    work: Callable[[int], Result],
    collect: Callable[[int, Result], object],
    processes: int,
    folder: str,
) -> None:
    """Do `work(0)` to `work(count - 1)`, begun in this order, and `collect` each number and result in this process.

    `processes` share it, this one among them; threads do where the system is not Linux or this process has several already. What
    `work` changes in another process is lost: results are pickled. `folder` is one that can be written to. Raises what `work`
    raised; then nothing is at work any more.
    """
    if processes < 2 or count < 2:
        for number in range(count):
            collect(number, work(number))
    elif can_fork():
        _share_with_children(count, work, collect, processes, folder)
    else:
        with ThreadPoolExecutor(processes) as pool:
            for number, result in enumerate(pool.map(work, range(count))):
                collect(number, result)


class HeadStart(Generic[Result]):
    """Work that a child begins while this process does something else: `work(0)` to `work(count - 1)`, until it is told to stop.

    See `share`. There has to be an end to it: `stop`, and `abandon` where that does not come to its end. Whoever makes one holds
    it before a signal is heard (`signals_wait`).
    """

    def __init__(self, count: int, work: Callable[[int], Result], folder: str) -> None:
        """Nothing is begun where there may be no more processes."""
        self._count = count
        self._file = tempfile.TemporaryFile(dir=folder)
        self._child: _Child[Result] | None = None
        with contextlib.suppress(OSError):
            self._child = _Child(self._file.fileno(), count, work)

    def stop(self) -> list[tuple[int, Result]]:
        """Let it end the piece that it is at; what it did. Raises what `work` raised."""
        if self._child is None:
            self._file.close()
            return []
        os.lseek(self._file.fileno(), self._count, os.SEEK_CUR)
        done = self._child.results()
        self._child.wait()
        self._file.close()
        return done

    def abandon(self) -> None:
        """Let it do nothing more."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._file.close()


def can_fork() -> bool:
    """A child has only the thread that made it; what the others were about would never end there. (Without /proc: who knows?)"""
    try:
        return sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _share_with_children(
    count: int,
    work: Callable[[int], Result],
    collect: Callable[[int, Result], object],
    processes: int,
    folder: str,
) -> None:
    children: list[_Child[Result]] = []
    # The offset of an open file is one for all, and moved in one step: whoever moves it has the next number.
    with tempfile.TemporaryFile(dir=folder) as file:
        counter = file.fileno()
        try:
            # Where there may be no more processes, or pipes, those that there are do it all.
            # To a child no signal comes ever: its parent ends it.
            with signals_wait(), contextlib.suppress(OSError):
                for _ in range(processes - 1):
                    children.append(_Child(counter, count, work))
            for number in _numbers(counter, count):
                collect(number, work(number))
            for child in children:
                for number, result in child.results():
                    collect(number, result)
        except BaseException:
            for child in children:
                child.kill()
            raise
        finally:
            for child in children:
                child.wait()


def _numbers(counter: int, count: int) -> Iterator[int]:
    """The numbers that nobody else takes."""
    while (number := os.lseek(counter, 1, os.SEEK_CUR) - 1) < count:
        yield number


class _Child(Generic[Result]):
    """A process that does its share, and tells at the end."""

    def __init__(self, counter: int, count: int, work: Callable[[int], Result]) -> None:
        """Raises OSError where there may be no more processes."""
        parent = os.getpid()
        self._gone = False
        self._reader, writer = os.pipe()
        try:
            self._process = os.fork()
        except OSError:
            os.close(self._reader)
            os.close(writer)
            raise
        if self._process:
            os.close(writer)
            return
        try:
            told = _told(parent, counter, count, work)
            with open(writer, "wb") as file:
                file.write(told)
        finally:
            os._exit(0)

    def results(self) -> list[tuple[int, Result]]:
        """What it did, when it is done. Raises what stopped it."""
        found: list[tuple[int, Result]]
        try:
            with open(self._reader, "rb", closefd=False) as file:
                found, error = pickle.load(file)
        except (EOFError, pickle.UnpicklingError) as cut:  # before it told, or meanwhile
            raise OutputFailed("a process that wrote files was stopped from outside, or had no memory") from cut
        if error is not None:
            raise error
        return found

    def kill(self) -> None:
        """Let it do nothing more."""
        if self._gone:
            return
        with contextlib.suppress(ProcessLookupError):  # see `wait`
            os.kill(self._process, signal.SIGKILL)

    def wait(self) -> None:
        """Until it is gone."""
        if self._gone:
            return
        # Somebody else has seen its end where SIGCHLD is ignored (that is inherited) or has a handler that waits for every child.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)
        self._gone = True
        os.close(self._reader)


def _told(parent: int, counter: int, count: int, work: Callable[[int], Result]) -> bytes:
    """What a child tells its parent: the results of its share, or what stopped it, in a form that arrives."""
    try:
        _end_with(parent)
        return _pickled([(number, work(number)) for number in _numbers(counter, count)], None)
    except Exception as error:
        os.lseek(counter, count, os.SEEK_CUR)  # nobody begins anything more
        try:
            told = _pickled([], error)
            pickle.loads(told)
        except Exception:  # it cannot be made again elsewhere
            where = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
            told = _pickled([], OutputFailed(f"a process that wrote files failed: {what}"))
        return told


def _pickled(found: list[tuple[int, Result]], error: Exception | None) -> bytes:
    return pickle.dumps((found, error), pickle.HIGHEST_PROTOCOL)


def _end_with(parent: int) -> None:
    """Let the kernel end this process with its parent, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
