"""Folders for a while."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
import time

from bundler.machine import os, path_told
from bundler.machine.locks import FolderLock, lock_folder, locked
from bundler.machine.patience import tries
from bundler.machine.signals import signals_wait

_ABANDONED = 3600
"""Seconds after which nobody is about to lock a folder any more."""


class TemporaryFolder(tempfile.TemporaryDirectory[str]):
    """See `tempfile.TemporaryDirectory`. It is locked. What cannot be removed in the end stays.

    A later one with the same prefix removes it, as it does with those whose processes were killed.
    """

    def __init__(self, prefix: str, folder: str | None = None) -> None:
        self._lock: FolderLock | None = None
        with signals_wait():  # till there is somebody who removes it
            with contextlib.suppress(OSError):
                clear_abandoned(folder or tempfile.gettempdir(), prefix)
            super().__init__(prefix=prefix, dir=folder)
            with contextlib.suppress(OSError):  # a file system without locks: nobody takes it for abandoned
                self._lock = lock_folder(self.name)

    def __enter__(self) -> str:
        return path_told(super().__enter__())

    def cleanup(self) -> None:
        """Remove it."""
        try:
            with signals_wait():
                self._remove()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _remove(self) -> None:
        for _ in tries():
            with contextlib.suppress(OSError):
                super().cleanup()
                return


def clear_abandoned(folder: str, prefix: str) -> None:
    """Remove what killed processes of this user left in a folder under names with a prefix. Raises OSError."""
    for name in os.listdir(folder):
        if not name.startswith(prefix):
            continue
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            facts = os.lstat(path)
            if facts.st_uid != os.geteuid() or time.time() - facts.st_mtime < _ABANDONED:
                continue
            if not stat.S_ISDIR(facts.st_mode):
                os.unlink(path)
                continue
            lock = locked(path)
            if lock is not None:
                try:
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    lock.close()
