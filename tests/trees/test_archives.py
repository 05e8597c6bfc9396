"""Archives as trees: what is wrong with an archive is told apart from what is wrong with whoever looks."""

from __future__ import annotations

import errno
import os
import tarfile
from pathlib import Path

import pytest

from bundler.trees.archives import open_archive


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "app.tar", "w") as tar:
        tar.add(__file__, "bundle.json")

    def unpack(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out")

    with pytest.raises(OSError, match="No space left on device: 'out'"):
        open_archive(str(tmp_path / "app.tar")).scan(unpack)
