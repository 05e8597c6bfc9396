"""Put a finished output in place: wholly, or not at all.

A directory goes there by one rename; over an existing bundle by one exchange (renameat2), after which the old one is
removed. Where the kernel refuses (EXDEV: a directory in a lower layer of overlayfs; EBUSY: a mount point) the children
are moved one by one, and moved back when one fails.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import shutil

from bundler.errors import OutputExists, OutputFailed
from bundler.sinks.interrupted import ASIDE, begin_coming, take_back_coming
from bundler.sinks.temporary import WorkingFolder, clear_abandoned

_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100
_REFUSED = (errno.EXDEV, errno.EBUSY)
_HEAD = re.compile(rb'\{\s*"schema":\s*\d+,\s*"bundler":\s*"')
_HEAD_SIZE = 200


class Target:
    """The path of an output, and how to get there."""

    def __init__(self, path: str, *, force: bool) -> None:
        self.path = os.path.abspath(path)
        self._force = force

    def check(self) -> None:
        """Refuse a target that must not be replaced, and clear what killed packs left. Raises OutputExists, OutputFailed."""
        parent = os.path.dirname(self.path)
        for folder in (parent, self.path):
            clear_abandoned(folder, self.path)
        if not os.path.lexists(self.path):
            try:
                os.makedirs(parent, exist_ok=True)
            except OSError as error:
                raise OutputFailed(f"{parent} cannot be made: {error.strerror}") from error
            return
        if os.path.isdir(self.path) and not os.path.islink(self.path):
            if not os.listdir(self.path):
                return
            if not is_bundle(self.path):
                raise OutputExists(
                    f"{self.path} is a directory and no bundle; it is never replaced",
                    "choose another --out, or remove the directory yourself",
                )
        if not self._force:
            raise OutputExists(f"{self.path} exists", "use --force to replace it")

    def check_file(self) -> None:
        """The same for an output that is one file."""
        if os.path.isdir(self.path):
            raise OutputExists(f"{self.path} is a directory", "choose another --out")
        self.check()

    def make_temporary(self) -> WorkingFolder:
        """A new directory on the target's own file system, hidden beside it. Raises OutputFailed."""
        folder = os.path.dirname(self.path)
        if os.path.ismount(self.path):
            folder = self.path
        try:
            return WorkingFolder(folder, self.path)
        except OSError as error:
            raise OutputFailed(f"{folder} cannot be written to: {error.strerror}") from error

    def put_file(self, new: str) -> None:
        """Move a finished file to the target."""
        os.replace(new, self.path)

    def put_directory(self, new: str) -> None:
        """Move the finished tree at `new` to the target.

        The old tree, if any, ends below `new`'s parent, which the caller removes.
        """
        if not os.path.lexists(self.path):
            os.rename(new, self.path)
        elif os.path.islink(self.path) or not os.path.isdir(self.path):
            old = os.path.join(os.path.dirname(new), "old")
            os.rename(self.path, old)
            _rename_or_restore(new, self.path, old)
        else:
            self._replace_directory(new)

    def _replace_directory(self, new: str) -> None:
        try:
            if os.listdir(self.path):
                _exchange(new, self.path)
            else:
                os.rename(new, self.path)
        except OSError as error:
            if error.errno not in _REFUSED:
                raise
            self._replace_children(new)

    def _replace_children(self, new: str) -> None:
        """Swap the contents of two directories child by child."""
        working = os.path.dirname(new)
        old = os.path.join(working, ASIDE)
        os.mkdir(old)
        temporary = os.path.basename(working)
        moves = Moves()
        try:
            for name in os.listdir(self.path):
                if name != temporary:
                    moves.move(os.path.join(self.path, name), os.path.join(old, name))
            begin_coming(working)
            for name in os.listdir(new):
                moves.move(os.path.join(new, name), os.path.join(self.path, name))
        except BaseException:
            moves.undo()
            take_back_coming(working)
            raise


def is_bundle(path: str) -> bool:
    """Whether a directory is a bundle: it has a `bundle.json` that bundler wrote."""
    try:
        with open(os.path.join(path, "bundle.json"), "rb") as file:
            # As bundler writes it; all of it is read only where somebody has put it in another form.
            if _HEAD.match(file.read(_HEAD_SIZE)):
                return True
            file.seek(0)
            return "bundler" in json.load(file)
    except (OSError, ValueError, TypeError):
        return False


def _exchange(one: str, other: str) -> None:
    """Swap two paths in one step; by two renames where the kernel or the C library cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(code, os.strerror(code), other)
    aside = os.path.join(os.path.dirname(one), "old")  # where the next pack finds it if this one is killed now
    os.rename(other, aside)
    _rename_or_restore(one, other, aside)


def _rename_or_restore(new: str, path: str, aside: str) -> None:
    """Rename `new` to `path`; where that fails, put back what was set `aside`."""
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(aside, path)
        raise


class Moves:
    """Renames that can be taken back, directories entered where they cannot be renamed themselves.

    Files always can: overlayfs copies them up, and all happens on one file system.
    """

    def __init__(self) -> None:
        self._done: list[tuple[str, str, bool]] = []

    def move(self, source: str, target: str) -> None:
        """Move a path with all below it."""
        try:
            os.rename(source, target)
            self._done.append((source, target, False))
            return
        except OSError as error:
            if error.errno not in _REFUSED or not os.path.isdir(source) or os.path.islink(source):
                raise
        os.mkdir(target)
        self._done.append((source, target, True))
        for name in os.listdir(source):
            self.move(os.path.join(source, name), os.path.join(target, name))
        shutil.copystat(source, target)
        os.rmdir(source)

    def make_folder(self, path: str) -> None:
        """Make a folder, which goes again with `undo` unless somebody put something into it."""
        os.mkdir(path, 0o700)
        self._done.append(("", path, True))

    def undo(self) -> None:
        """Move everything back, the last step first."""
        for source, target, entered in reversed(self._done):
            if not source:
                with contextlib.suppress(OSError):
                    os.rmdir(target)
                continue
            os.makedirs(os.path.dirname(source), exist_ok=True)
            if entered:
                os.makedirs(source, exist_ok=True)
                shutil.copystat(target, source)
                os.rmdir(target)
            else:
                os.rename(target, source)
