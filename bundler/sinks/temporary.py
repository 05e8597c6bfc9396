"""The hidden directory beside an output in which a pack works: locked while the pack lives, else removed by the next one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile

from bundler.sinks.interrupted import settle

_OLD = "old"


class WorkingFolder:
    """A new directory in `folder` for a pack to `target`, locked as long as this process lives. Raises OSError."""

    def __init__(self, folder: str, target: str) -> None:
        self._claim: int | None = None
        while True:
            self.path = tempfile.mkdtemp(prefix=_prefix(target), dir=folder)
            with contextlib.suppress(FileNotFoundError):  # somebody took it for abandoned before it was locked
                self._claim = _lock(self.path)
                os.mkdir(os.path.join(self.path, "claimed"))
                os.rmdir(os.path.join(self.path, "claimed"))
                return
            self._give_up()

    def remove(self) -> None:
        """Remove it, with all that is in it; a signal that comes meanwhile is heard when it is gone."""
        try:
            remove_tree(self.path)
        except BaseException:
            remove_tree(self.path)
            raise
        finally:
            self._give_up()

    def _give_up(self) -> None:
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None


def clear_abandoned(folder: str, target: str) -> None:
    """Remove the working folders in `folder` whose pack to `target` is gone; what one of them had begun to move is settled,
    and a bundle that lies in one goes back to its place.
    """
    prefix = _prefix(target)
    try:
        names = [name for name in os.listdir(folder) if name.startswith(prefix)]
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            if os.lstat(path).st_uid != os.geteuid():
                continue
            claim = _lock(path)
            if claim is None:
                continue
            settle(path, target)
            old = os.path.join(path, _OLD)
            if not os.path.lexists(target) and os.path.lexists(old):
                os.rename(old, target)
            remove_tree(path)
            os.close(claim)


def remove_tree(path: str) -> None:
    """Remove a tree that we made, directories without write permission included; a missing one is fine."""

    def retry(_function: object, failed: str, _info: object) -> None:
        os.chmod(os.path.dirname(failed), 0o700)
        if os.path.isdir(failed) and not os.path.islink(failed):
            os.chmod(failed, 0o700)
            shutil.rmtree(failed, ignore_errors=True)
        elif os.path.lexists(failed):
            os.unlink(failed)

    if os.path.lexists(path):
        shutil.rmtree(path, onerror=retry)


def _prefix(target: str) -> str:
    return f".{os.path.basename(target)}.bundler-"


def _lock(folder: str) -> int | None:
    """A descriptor that holds the lock of a directory; None where another process has it, or the file system has no locks."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
