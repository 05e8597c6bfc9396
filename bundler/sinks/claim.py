"""The right to make an output, which one pack has at a time: what another one makes meanwhile would be lost without a word."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

from bundler.destination import Destination, InPlace, ToDirectory, ToFile, ToStandardOutput
from bundler.errors import OutputExists, OutputFailed
from bundler.machine import os
from bundler.machine.locks import FolderLock, NoLocks, locked
from bundler.machine.signals import signals_wait
from bundler.sinks.temporary import prefix_of

if TYPE_CHECKING:
    from typing_extensions import Self

_SECONDS = 1.0
"""For so long a pack that was killed may still be there, or a child of it."""
_PAUSE = 0.02


def claim_output(destination: Destination) -> AbstractContextManager[object]:
    """The claim on a destination. Entering it raises OutputExists where another pack has it, and OutputFailed."""
    match destination:
        case ToStandardOutput():
            return nullcontext()
        case InPlace(path):
            return Claim(os.path.realpath(path))
        case ToDirectory(path, update=True) if os.path.isdir(path):
            path = os.path.realpath(path)
            # An update locks the bundle itself; and where it is a mount point, there is no other place.
            return nullcontext() if os.path.ismount(path) else Claim(path)
        case ToDirectory(path) | ToFile(path):
            return Claim(os.path.abspath(path))


class Claim:
    """A locked folder beside the output at `target` (absolute), there as long as the pack lives; a context manager.

    Where the output is a mount point, that is locked itself. Folders above that are not there are made, and go with it if nothing
    came into them. On a file system without locks there is no claim: what stands at the output is looked at once more in the end.
    """

    def __init__(self, target: str) -> None:
        self._target = target
        self._path = os.path.join(os.path.dirname(target), f"{prefix_of(target)}claim")
        self._lock: FolderLock | None = None
        self._made: list[str] = []
        self._own = True

    def __enter__(self) -> Self:
        try:
            self._take()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()

    def _take(self) -> None:
        if os.path.ismount(self._target):
            self._path, self._own = self._target, False
        else:
            self._make_parents()
        limit = time.monotonic() + _SECONDS
        while not self._try():
            if time.monotonic() > limit:
                raise OutputExists(f"another pack makes {self._target} now", "wait for its end")
            time.sleep(_PAUSE)

    def _make_parents(self) -> None:
        missing = list(_missing(os.path.dirname(self._target)))
        for folder in reversed(missing):
            try:
                with signals_wait(), contextlib.suppress(FileExistsError):
                    os.mkdir(folder)
                    self._made.append(folder)
            except OSError as error:
                raise OutputFailed(f"{folder} cannot be made: {error.strerror}") from error

    def _try(self) -> bool:
        """Take it; False where another process has it, or had it a moment ago."""
        try:
            with signals_wait():
                made = self._own and self._make()
                try:
                    self._lock = locked(self._path)
                except (BlockingIOError, FileNotFoundError):
                    return False
                except NoLocks:
                    self._remove()
                    return True
                except OSError:
                    if made:
                        self._remove()
                    raise
        except OSError as error:
            raise OutputFailed(
                f"{os.path.dirname(self._path)} cannot be written to: {error.strerror}",
                f"if another user packs to {self._target}, wait for its end; one that was stopped left {self._path}"
                if os.path.lexists(self._path)
                else "",
            ) from error
        return self._lock is not None

    def _make(self) -> bool:
        """Make the folder; False where it is there."""
        try:
            os.mkdir(self._path)
        except FileExistsError:
            return False
        return True

    def _let_go(self) -> None:
        if self._lock is not None:
            lock, self._lock = self._lock, None
            self._remove()
            lock.close()
        while self._made:
            with contextlib.suppress(OSError):
                os.rmdir(self._made.pop())

    def _remove(self) -> None:
        """Remove the folder. One that stays, the next pack takes."""
        if self._own:
            with contextlib.suppress(OSError):
                os.rmdir(self._path)


def _missing(folder: str) -> Iterator[str]:
    """A folder and those above it that are not there, the deepest first."""
    while not os.path.isdir(folder):
        yield folder
        folder = os.path.dirname(folder)
