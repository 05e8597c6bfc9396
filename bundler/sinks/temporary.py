"""The hidden directory beside an output in which a pack works: locked while the pack lives, else removed by the next one."""

from __future__ import annotations

import contextlib
import enum
import shutil
import tempfile
from typing import Final

from bundler.errors import OutputFailed
from bundler.machine import os
from bundler.machine.locks import FolderLock, NoLocks, lock_folder, locked
from bundler.machine.patience import tries
from bundler.sinks.interrupted import bring_to_an_end, forget, is_unfinished


class Unlocked(enum.Enum):
    """Why a folder could not be locked."""

    HELD = "another process has it"
    NO_LOCKS = "the file system has no locks"


HELD: Final = Unlocked.HELD
NO_LOCKS: Final = Unlocked.NO_LOCKS


class WorkingFolder:
    """A new directory in `folder` for a pack to `target`, locked as long as this process lives. Raises OSError."""

    def __init__(self, folder: str, target: str) -> None:
        self.path, self._lock = _make_locked(folder, target)

    def remove(self) -> None:
        """Remove it, with all that is in it; a signal that comes meanwhile is heard when it is gone.

        What cannot be removed the next pack to the same target removes, or tells of: what this one did is done, or failed for
        a reason of its own.
        """
        try:
            for _ in range(2):
                with contextlib.suppress(OSError):
                    self._remove()
                    break
        except BaseException:
            with contextlib.suppress(OSError):
                self._remove()
            raise
        finally:
            self.leave()

    def leave(self) -> None:
        """Leave it to the next pack, which brings to an end what was begun in it."""
        if self._lock is not None:
            lock, self._lock = self._lock, None
            lock.close()

    def _remove(self) -> None:
        if os.path.isdir(self.path):
            forget(self.path)
            remove_tree(self.path)


def clear_abandoned(folder: str, target: str) -> None:
    """Bring to an end what packs to `target` that were killed had begun from working folders in `folder`, and remove these.

    A folder that another process holds stays as it is. Raises OutputFailed, which names the folder, for what cannot be done.
    """
    prefix = prefix_of(target)
    try:
        names = [name for name in os.listdir(folder) if name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputFailed(f"{folder} cannot be looked through: {error.strerror}") from error
    for name in names:
        path = os.path.join(folder, name)
        try:
            _clear(path, target)
        except OSError as error:
            raise OutputFailed(
                f"what a pack that was stopped left in {path} cannot be brought into order: {error}",
                f"mend that and pack again; what {target} was before may lie in that folder",
            ) from error


def _clear(path: str, target: str) -> None:
    """Clear one working folder. Raises OSError, OutputFailed."""
    try:
        if os.lstat(path).st_uid != os.geteuid():
            return
        lock = _lock(path)
    except FileNotFoundError:  # its own pack has just removed it
        return
    if lock is HELD:
        return
    if lock is NO_LOCKS:
        # Nobody knows whether its pack lives. What was only written there harms nobody.
        if is_unfinished(path):
            raise OutputFailed(
                f"{path} is of a pack that was stopped, or that is at work now: this file system has no locks to tell",
                f"if none is at work, move what you need from it to {target}, and remove it",
            )
        return
    try:
        bring_to_an_end(path, target)
        forget(path)
        remove_tree(path)
    finally:
        lock.close()


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
        for _ in tries():
            shutil.rmtree(path, onerror=retry)
            if not os.path.lexists(path):
                break


def prefix_of(target: str) -> str:
    """How the names begin of what packs to `target` make for a while."""
    return f".{os.path.basename(target)}.bundler-"


def _make_locked(folder: str, target: str) -> tuple[str, FolderLock | None]:
    """A new working folder, and its lock; None where there are no locks."""
    while True:
        path = tempfile.mkdtemp(prefix=prefix_of(target), dir=folder)
        try:
            lock = locked(path)
        except NoLocks:
            return path, None
        except (BlockingIOError, FileNotFoundError):  # somebody took it for abandoned before it was locked
            continue
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(path)
            raise
        if lock is not None:
            return path, lock


def _lock(folder: str) -> FolderLock | Unlocked:
    """The lock of a directory, or why it cannot be had. Raises OSError."""
    try:
        return lock_folder(folder)
    except BlockingIOError:
        return HELD
    except NoLocks:
        return NO_LOCKS
