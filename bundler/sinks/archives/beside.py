"""A small file of lines that belongs to an archive, and gets its place with it: both are there, or neither."""

from __future__ import annotations

import contextlib
import shutil

from bundler.errors import OutputExists
from bundler.files import MOST_OF_A_TEXT, read_regular
from bundler.machine import os
from bundler.permissions import kept
from bundler.sinks import steps
from bundler.sinks.placement import Target


class FileBeside:
    """The file at a target; what it will be lies in the folder `working`, beside the archive.

    While an archive takes the place of another the file has the lines of both. Whoever is killed then leaves a file that holds for
    whichever of the two is there.
    """

    def __init__(self, target: Target, working: str) -> None:
        """What is there was looked at: see `check_beside`."""
        self._target = target
        self._new = os.path.join(working, "beside")
        self._both = os.path.join(working, "beside-both")
        self._former = os.path.join(working, "beside-former")

    def write(self, lines: bytes) -> None:
        """Write what it will be. Raises OSError."""
        former = read_regular(self._target.path, MOST_OF_A_TEXT) if os.path.lexists(self._target.path) else None
        umask = os.umask(0)
        os.umask(umask)
        for path, data in ((self._new, lines), (self._both, lines + (former or b""))):
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, kept(0o666 & ~umask))
        if former is not None:
            shutil.copy2(self._target.path, self._former)

    def begin(self) -> None:
        """Put it in place, with the former lines behind its own. Raises OutputExists for what came there meanwhile, OSError."""
        self._target.put_file(self._both)

    def undo(self) -> None:
        """Let all be as it was before `begin`, if that was done."""
        if os.path.lexists(self._both):
            return
        if os.path.lexists(self._former):
            steps.rename(self._former, self._target.path)
        else:
            os.unlink(self._target.path)

    def end(self) -> None:
        """Take the former lines away, now that the archive is there. Where that cannot be they do no harm."""
        with contextlib.suppress(OSError):
            steps.rename(self._new, self._target.path)


def check_beside(target: Target) -> None:
    """Refuse what may not be replaced, or is no plain file. Raises OutputExists, OutputFailed."""
    target.check_file()
    if os.path.lexists(target.path) and (os.path.islink(target.path) or not os.path.isfile(target.path)):
        raise OutputExists(f"{target.path} is no plain file", "remove it, or choose another --out")
