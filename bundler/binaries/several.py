"""Patches of several files in two steps, by one process or more: all are planned before the first one is changed.

Where one cannot be patched, none is. A process plans its share, says what came of it, and writes when all have planned theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bundler.binaries.formats import plan
from bundler.binaries.patch import Patch
from bundler.binaries.replace import check_in_place, check_target, open_source, patch_in_place, write_new
from bundler.binaries.request import Request
from bundler.errors import BundlerError, OutputFailed, raise_all
from bundler.machine import os

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_LEAST_SHARE = 48
"""So many files are worth a process: it takes as long to start as they do."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a patched file goes; by default a new file takes the old one's place."""

    output: str | None = None
    """The path of the new file, where the old one stays."""
    overwrite: bool = False
    """Change the old file's own bytes."""
    dry_run: bool = False
    """Write nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was done to a file, or would be."""

    method: str
    explanation: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    """These four: see `request.PatchOutcome`."""
    size: int
    """Of the new file, in bytes."""
    growth: int
    """By how many bytes it is larger than the old one."""


Results = list[Result | None]
_Work = Generator[tuple[Results, list[BundlerError]], None, None]


def patch_files(files: Sequence[str], request: Request, destination: Destination, processes: int = 1) -> Results:
    """Do `request` to each of `files`. Gives what was done, in their order; None where nothing changes.

    A file that is named twice is patched once. On Linux `processes` may share the work, this one among them, which must have
    a single thread then. All errors of planning are raised together, each with its file's name, before the first file is
    changed; a later one (a full disk) ends the work.
    """
    firsts = _firsts(files)
    once = list(dict.fromkeys(firsts))
    count = max(1, min(processes, len(once) // _LEAST_SHARE)) if sys.platform == "linux" else 1
    shares = [once[len(once) * number // count : len(once) * (number + 1) // count] for number in range(count)]
    with _Helpers(shares[1:], request, destination) as helpers:
        work = _work(shares[0], request, destination)
        results, errors = next(work)
        for more_results, more_errors in helpers.planned():
            results += more_results
            errors += more_errors
        raise_all(errors)
        helpers.write()
        next(work, None)
        helpers.finish()
    found = dict(zip(once, results, strict=True))
    return [found[first] for first in firsts]


def _work(files: Sequence[str], request: Request, destination: Destination) -> _Work:
    """Plan all and yield what came of it; when asked for more, write."""
    planned: list[tuple[str, Patch | None, tuple[int, ...]]] = []
    results, errors = Results(), list[BundlerError]()
    for path in files:
        try:
            with open_source(path) as file:
                stamp = _stamp(file.fileno())
                outcome = plan(file, path, request)
                patch = None if outcome is None else outcome.patch
                if destination.overwrite and not destination.dry_run and patch is not None:
                    check_in_place(file, patch)
                if destination.output is not None:
                    check_target(destination.output)
        except BundlerError as error:
            errors.append(error.at(path))
            continue
        planned.append((path, patch, stamp))
        results.append(
            None
            if outcome is None
            else Result(
                outcome.method,
                outcome.explanation,
                outcome.reasons,
                outcome.notes,
                outcome.patch.size,
                outcome.patch.size - stamp[0],
            )
        )
    yield results, errors
    if not destination.dry_run:
        for path, patch, stamp in planned:
            _write(path, patch, stamp, destination)


def _write(path: str, patch: Patch | None, stamp: tuple[int, ...], destination: Destination) -> None:
    if patch is None and destination.output is None:
        return
    with open_source(path) as file:
        if _stamp(file.fileno()) != stamp:
            raise OutputFailed(f"{path} changed while it was patched")
        if patch is not None and destination.overwrite:
            patch_in_place(path, patch)
        else:
            write_new(file, patch, path if destination.output is None else destination.output)


def _stamp(descriptor: int) -> tuple[int, ...]:
    """What tells a file from a changed one; its size comes first."""
    facts = os.fstat(descriptor)
    return facts.st_size, facts.st_mtime_ns, facts.st_dev, facts.st_ino


def _firsts(files: Sequence[str]) -> list[str]:
    """Each file by the first name that it is given. Hard links are files of their own: a new file replaces each."""
    names: dict[tuple[int, int], list[str]] = {}
    firsts = []
    for path in files:
        try:
            facts = os.stat(path)
        except OSError:
            firsts.append(path)
            continue
        same = names.setdefault((facts.st_dev, facts.st_ino), [])
        found = next((name for name in same if os.path.realpath(name) == os.path.realpath(path)), None)
        if found is None:
            same.append(path)
        firsts.append(path if found is None else found)
    return firsts


class _Helpers:
    """Processes that do their shares in step with this one; those that are left when it fails stop without writing."""

    def __init__(self, shares: Sequence[Sequence[str]], request: Request, destination: Destination) -> None:
        self._ends: list[Connection] = []
        self._processes: list[int] = []
        for share in shares:
            self._ends.append(self._start(share, request, destination))

    def __enter__(self) -> _Helpers:
        return self

    def __exit__(self, *_: object) -> None:
        for end in self._ends:
            end.close()
        for process in self._processes:
            os.waitpid(process, 0)

    def planned(self) -> list[tuple[Results, list[BundlerError]]]:
        """What each of them planned."""
        return [self._hear(end) for end in self._ends]

    def write(self) -> None:
        """Let them write."""
        for end in self._ends:
            end.send(True)

    def finish(self) -> None:
        """Wait until all have written; raises what stopped one."""
        for end in self._ends:
            self._hear(end)

    def _hear(self, end: Connection) -> tuple[Results, list[BundlerError]]:
        try:
            answer = end.recv()
        except EOFError:
            raise OutputFailed("a process that patched files was stopped; some files may be unchanged") from None
        if isinstance(answer, BaseException):
            raise answer
        results, errors = answer
        return results, errors

    def _start(self, files: Sequence[str], request: Request, destination: Destination) -> Connection:
        from multiprocessing import Pipe

        ours, theirs = Pipe()
        if process := os.fork():
            self._processes.append(process)
            theirs.close()
            return ours
        try:
            for end in (*self._ends, ours):  # or it would not be seen that the first process has ended
                end.close()
            _serve(theirs, _work(files, request, destination))
        finally:
            os._exit(0)


def _serve(end: Connection, work: _Work) -> None:
    """Do a share of the work as the process at the other end says; an end of it before that is an end without writing."""
    try:
        end.send(next(work))
        end.recv()
        next(work, None)
        end.send(([], []))
    except (EOFError, BrokenPipeError):
        pass
    except (BundlerError, OSError) as error:
        end.send(error)
    except Exception:  # a mistake of ours: the first process tells it, with its place
        import traceback

        end.send(RuntimeError(traceback.format_exc()))
