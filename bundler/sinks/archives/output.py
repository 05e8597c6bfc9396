"""Where an archive's bytes go: a new file beside its target, or standard output."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from typing import BinaryIO, NamedTuple, Protocol

from bundler.destination import STANDARD_OUTPUT, ArchiveDestination, ToFile
from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.permissions import kept
from bundler.sinks.archives.beside import FileBeside, check_beside
from bundler.sinks.placement import Target
from bundler.sinks.temporary import WorkingFolder, remove_tree


class ByteStream(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""


class FinishedFile(NamedTuple):
    """A file that is complete."""

    path: str | None
    """Where it can be looked at; None where it is gone already."""
    size: int
    """In bytes."""


class Output(Protocol):
    """One file to be: filled, finished under a temporary name, then put in place, or discarded at any time."""

    shown: str
    """What errors call it."""
    folder: str | None
    """Where it takes room; None where nobody knows."""

    @property
    def path(self) -> str:
        """Where another program makes the file, if it is not filled by way of `open`."""

    def open(self, *, executable: bool = False) -> BinaryIO:
        """The file to fill, in which one can go back unless the format streams. Who may read an executable one may run it."""

    def finish(self) -> FinishedFile:
        """Complete the file."""

    def accompany(self, lines: bytes) -> None:
        """Write the file that was asked for beside this one, once this one is finished."""

    def place(self) -> str:
        """Put the file in place; its path."""

    def discard(self) -> None:
        """Remove what is not in place."""


def open_output(destination: ArchiveDestination) -> Output:
    """The output of a destination. Raises OutputExists, and OutputFailed where it cannot be written to."""
    if not isinstance(destination, ToFile):
        return StandardOutput(spooled=not destination.form.streams)
    may_replace = destination.force or destination.update
    target = Target(destination.path, force=may_replace)
    target.check_file()
    beside = Target(destination.signature, force=may_replace) if destination.signature else None
    if beside is not None:
        check_beside(beside)
    return FileOutput(target, target.make_temporary(), beside)


class FileOutput:
    """A file at the target, written in a working folder beside it."""

    def __init__(self, target: Target, working: WorkingFolder, beside: Target | None = None) -> None:
        """`beside` is the place of a file that belongs to this one."""
        self.path = os.path.join(working.path, "archive")
        self.shown = target.path
        self.folder: str | None = os.path.dirname(target.path)
        self._target = target
        self._working = working
        self._beside = FileBeside(beside, working.path) if beside is not None else None
        self._file: BinaryIO | None = None
        self._mode = 0o666

    def open(self, *, executable: bool = False) -> BinaryIO:
        """See Output."""
        self._mode = 0o777 if executable else 0o666
        self._file = open(self.path, "w+b")
        return self._file

    def finish(self) -> FinishedFile:
        """Close the file and give it the mode that a new file of this user has, but that nobody else may write to it."""
        if self._file is not None:
            self._file.close()
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(self.path, kept(self._mode & ~umask))
        return FinishedFile(self.path, os.stat(self.path).st_size)

    def accompany(self, lines: bytes) -> None:
        """See Output."""
        assert self._beside is not None, "nobody said that there would be one"
        self._beside.write(lines)

    def place(self) -> str:
        """See Output."""
        if self._beside is None:
            self._target.put_file(self.path)
            return self._target.path
        try:
            self._beside.begin()
            self._target.put_file(self.path)
        except BaseException:
            if os.path.lexists(self.path):
                self._beside.undo()
            raise
        self._beside.end()
        return self._target.path

    def discard(self) -> None:
        """See Output."""
        _abandon(self._file)
        self._working.remove()


class StandardOutput:
    """Standard output: as a stream, or by way of a temporary file for formats that go back in their file (`spooled`)."""

    def __init__(self, *, spooled: bool) -> None:
        """Raises OutputFailed where standard output is a terminal."""
        self.shown = "standard output"
        self.folder: str | None = None
        if sys.stdout.isatty():
            raise OutputFailed("an archive is not written to a terminal", "name a file in --out, or use a pipe")
        self._folder = tempfile.mkdtemp(prefix="bundler-") if spooled else None
        self._file: BinaryIO | None = None

    @property
    def path(self) -> str:
        """See Output."""
        assert self._folder is not None, "a format that streams needs no path"
        return os.path.join(self._folder, "archive")

    def open(self, *, executable: bool = False) -> BinaryIO:
        """See Output. Nobody can tell whether it is run."""
        if self._folder is None:
            return sys.stdout.buffer
        self._file = open(self.path, "w+b")
        return self._file

    def finish(self) -> FinishedFile:
        """Send what was spooled. There is nothing left to look at."""
        size = 0
        if self._folder is not None:
            if self._file is not None:
                self._file.close()
            with open(self.path, "rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
                size = file.tell()
        sys.stdout.buffer.flush()
        return FinishedFile(None, size)

    def accompany(self, lines: bytes) -> None:
        """Never: it has no place."""
        raise AssertionError("nothing lies beside standard output")

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
