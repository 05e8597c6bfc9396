"""Folders for a while."""

from __future__ import annotations

import tempfile

from bundler.machine import HAS_DRIVES, path_told
from bundler.machine.patience import tries


class TemporaryFolder(tempfile.TemporaryDirectory[str]):
    """See `tempfile.TemporaryDirectory`. What somebody holds in the end stays: the system clears such folders."""

    def __init__(self, prefix: str, folder: str | None = None) -> None:
        super().__init__(prefix=prefix, dir=folder)

    def __enter__(self) -> str:
        return path_told(super().__enter__())

    def cleanup(self) -> None:
        """Remove it."""
        for is_last in tries():
            try:
                super().cleanup()
                return
            except OSError:
                if is_last:
                    if not HAS_DRIVES:
                        raise
                    return
