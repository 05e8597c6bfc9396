"""Renames that can be taken back."""

from __future__ import annotations

import contextlib
import errno
import shutil
import stat
from collections.abc import Iterator
from typing import NamedTuple

from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.sinks import steps

REFUSED = (errno.EXDEV, errno.EBUSY)
"""How the kernel says that a directory cannot be renamed: it is in a lower layer of overlayfs, or a mount point."""


class NotUndone(OutputFailed):
    """What was moved cannot be moved back. It still is in the working folder, which must stay."""


class _Rename(NamedTuple):
    source: str
    target: str


class _Entered(NamedTuple):
    """A directory whose content was moved: it could not be renamed itself."""

    source: str
    target: str
    facts: os.stat_result


class _MadeFolder(NamedTuple):
    path: str


_Step = _Rename | _Entered | _MadeFolder


class Moves:
    """Renames that can be taken back. No target is there before."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []

    def rename(self, source: str, target: str) -> None:
        """Rename a path. Raises OSError, with nothing done."""
        with self._noted(_Rename(source, target)):
            steps.rename(source, target)

    def move(self, source: str, target: str) -> None:
        """Move a path with all below it; a directory that cannot be renamed is entered.

        What is no directory always can: overlayfs copies it up, and all happens on one file system.
        """
        try:
            self.rename(source, target)
            return
        except OSError as error:
            if error.errno not in REFUSED or not os.path.isdir(source) or os.path.islink(source):
                raise
        facts = os.stat(source)
        with self._noted(_Entered(source, target, facts)):
            steps.make_folder(target)
        for name in os.listdir(source):
            self.move(os.path.join(source, name), os.path.join(target, name))
        _give_facts(target, source, facts)
        steps.remove_folder(source)

    def make_folder(self, path: str) -> None:
        """Make a folder, which goes again with `undo` unless somebody put something into it."""
        with self._noted(_MadeFolder(path)):
            steps.make_folder(path, 0o700)

    def undo(self) -> None:
        """Move everything back, the last step first. Raises NotUndone where something cannot be, when all else is."""
        failed: OSError | None = None
        while self._steps:
            try:
                _undo(self._steps[-1])
            except OSError as error:
                failed = failed or error
            self._steps.pop()
        if failed is not None:
            raise NotUndone(
                f"{failed.filename or 'what was there before'} cannot be put back: {failed.strerror}",
                "mend that and pack again: the next pack to the same place puts it back first",
            ) from failed

    @contextlib.contextmanager
    def _noted(self, step: _Step) -> Iterator[None]:
        """A step is noted before it is done: a signal may come right behind it."""
        self._steps.append(step)
        try:
            yield
        except OSError:
            self._steps.pop()
            raise


def _undo(step: _Step) -> None:
    """Take a step back; one that was not done after all is passed over."""
    match step:
        case _MadeFolder(path):
            with contextlib.suppress(OSError):
                steps.remove_folder(path)
        case _Rename(source, target):
            if os.path.lexists(target):
                os.makedirs(os.path.dirname(source), exist_ok=True)
                steps.rename(target, source)
        case _Entered(source, target, facts):
            if not os.path.isdir(source):
                steps.make_folder(source)
            if os.path.isdir(target):
                _give_facts(source, target, facts)
                steps.remove_folder(target)


def _give_facts(folder: str, other: str, facts: os.stat_result) -> None:
    """Make `folder` as `other` was when it had these facts: it takes its place."""
    shutil.copystat(other, folder)  # with extended attributes, and other times than then
    with contextlib.suppress(PermissionError):
        os.chown(folder, facts.st_uid, facts.st_gid)
    os.chmod(folder, stat.S_IMODE(facts.st_mode))
    os.utime(folder, ns=(facts.st_atime_ns, facts.st_mtime_ns))
