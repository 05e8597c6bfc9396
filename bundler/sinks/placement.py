"""Put a finished output in place: wholly, or not at all.

A directory goes there by one rename; over an existing bundle by one exchange (renameat2), after which the old one is
removed. Where the kernel refuses (EXDEV: a directory in a lower layer of overlayfs; EBUSY: a mount point) the children
are moved one by one, and moved back when one fails.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time

from bundler.errors import OutputExists, OutputFailed

_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100
_JUST_MADE = 60  # seconds
_REFUSED = (errno.EXDEV, errno.EBUSY)


class Target:
    """The path of an output, and how to get there."""

    def __init__(self, path: str, *, force: bool) -> None:
        self.path = os.path.abspath(path)
        self._force = force

    def check(self) -> None:
        """Refuse a target that must not be replaced. Raises OutputExists, OutputFailed."""
        parent = os.path.dirname(self.path)
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

    def make_temporary(self) -> str:
        """A new directory on the target's own file system, hidden beside it.

        What a killed process left there is removed: the directory of one that lives is locked.
        """
        folder = os.path.dirname(self.path)
        if os.path.ismount(self.path):
            folder = self.path
        prefix = f".{os.path.basename(self.path)}.bundler-"
        _remove_abandoned(folder, prefix)
        try:
            temporary = tempfile.mkdtemp(prefix=prefix, dir=folder)
        except OSError as error:
            raise OutputFailed(f"{folder} cannot be written to: {error.strerror}") from error
        self._lock = _lock(temporary)
        return temporary

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
        old = os.path.join(os.path.dirname(new), "old")
        os.mkdir(old)
        temporary = os.path.basename(os.path.dirname(new))
        moves = _Moves()
        try:
            for name in os.listdir(self.path):
                if name != temporary:
                    moves.move(os.path.join(self.path, name), os.path.join(old, name))
            for name in os.listdir(new):
                moves.move(os.path.join(new, name), os.path.join(self.path, name))
        except BaseException:
            moves.undo()
            raise


def _lock(folder: str) -> int | None:
    """Lock a directory for as long as this process lives; None where another has it, or the file system has no locks."""
    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(folder: str, prefix: str) -> None:
    """Remove temporary directories of the same target whose process is gone. One that was just made may not be locked yet."""
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        if not name.startswith(prefix) or os.path.islink(path) or not os.path.isdir(path):
            continue
        if time.time() - os.stat(path).st_mtime < _JUST_MADE:
            continue
        descriptor = _lock(path)
        if descriptor is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(descriptor)


def is_bundle(path: str) -> bool:
    """Whether a directory is a bundle: it has a `bundle.json` that bundler wrote."""
    try:
        with open(os.path.join(path, "bundle.json"), "rb") as file:
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
    aside = one + ".old"
    os.rename(other, aside)
    _rename_or_restore(one, other, aside)


def _rename_or_restore(new: str, path: str, aside: str) -> None:
    """Rename `new` to `path`; where that fails, put back what was set `aside`."""
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(aside, path)
        raise


class _Moves:
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

    def undo(self) -> None:
        """Move everything back, the last step first."""
        for source, target, entered in reversed(self._done):
            os.makedirs(os.path.dirname(source), exist_ok=True)
            if entered:
                os.makedirs(source, exist_ok=True)
                shutil.copystat(target, source)
                os.rmdir(target)
            else:
                os.rename(target, source)
