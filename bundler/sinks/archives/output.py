"""Where an archive's bytes go: a new file beside its target, or standard output."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from typing import BinaryIO, Protocol

from bundler.errors import OutputFailed
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder, remove_tree

STANDARD_OUTPUT = "-"


class Output(Protocol):
    """One file to be: opened, filled, finished under a temporary name, then put in place, or discarded at any time."""

    def open(self) -> BinaryIO:
        """Check the target and give the file to fill."""

    def reserve(self) -> str:
        """Check the target and give the path of a file that another program makes."""

    def finish(self) -> tuple[str, int]:
        """The path of the finished file ("" where there is none to look at) and its size in bytes."""

    def place(self) -> str:
        """Put the file in place; its path."""

    def discard(self) -> None:
        """Remove what is not in place."""


class FileOutput:
    """A file at `out`, written in a temporary folder beside it. With `executable` whoever may read it may run it."""

    def __init__(self, out: str, *, force: bool, executable: bool = False) -> None:
        self._target = Target(out, force=force)
        self._executable = executable
        self._working: WorkingFolder | None = None
        self._file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        """See Output. Raises OutputExists, OutputFailed."""
        path = self.reserve()
        self._file = open(path, "w+b")
        return self._file

    def reserve(self) -> str:
        """See Output."""
        self._target.check_file()
        self._working = self._target.make_temporary()
        return self._path

    @property
    def _path(self) -> str:
        assert self._working is not None
        return os.path.join(self._working.path, "archive")

    def finish(self) -> tuple[str, int]:
        """Close the file and give it the mode that a new file of this user has."""
        if self._file is not None:
            self._file.close()
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(self._path, (0o777 if self._executable else 0o666) & ~umask)
        return self._path, os.stat(self._path).st_size

    def place(self) -> str:
        """See Output."""
        self._target.put_file(self._path)
        return self._target.path

    def discard(self) -> None:
        """See Output."""
        _abandon(self._file)
        if self._working is not None:
            self._working.remove()


class StandardOutput:
    """Standard output: as a stream, or by way of a temporary file for formats that go back in their file (`spooled`)."""

    def __init__(self, *, spooled: bool) -> None:
        self._spooled = spooled
        self._folder: str | None = None
        self._file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        """See Output. Raises OutputFailed where standard output is a terminal."""
        if sys.stdout.isatty():
            raise OutputFailed("an archive is not written to a terminal", "name a file in --out, or use a pipe")
        if self._spooled:
            self._file = open(self.reserve(), "w+b")
            return self._file
        return sys.stdout.buffer

    def reserve(self) -> str:
        """See Output."""
        self._folder = tempfile.mkdtemp(prefix="bundler-")
        return os.path.join(self._folder, "archive")

    def finish(self) -> tuple[str, int]:
        """Send what was spooled. There is nothing left to look at."""
        size = 0
        if self._folder is not None:
            if self._file is not None:
                self._file.close()
            with open(os.path.join(self._folder, "archive"), "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
                size = file.tell()
        sys.stdout.buffer.flush()
        return "", size

    def place(self) -> str:
        """Nothing: the bytes are on their way."""
        return STANDARD_OUTPUT

    def discard(self) -> None:
        """See Output. Where the reader has gone, what is left for it goes nowhere: Python would complain at its end."""
        try:
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        _abandon(self._file)
        if self._folder is not None:
            remove_tree(self._folder)


def _abandon(file: BinaryIO | None) -> None:
    """Close a file whose content is of no use: where the disk is full its last bytes cannot be written, and need not be."""
    if file is not None:
        with contextlib.suppress(OSError):
            file.close()
