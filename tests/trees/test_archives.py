"""Archives as trees: what is wrong with an archive is told apart from what is wrong with whoever looks."""

from __future__ import annotations

import errno
import os
import shutil
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


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "zip"])
def test_each_file_is_closed_when_it_was_looked_at(tmp_path: Path, suffix: str) -> None:
    """A file that closes itself, forgotten, loses what a signal raises meanwhile: the pack would go on."""
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("bundle.json", "other"):
        (folder / name).write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "app"), {"tar.gz": "gztar"}.get(suffix, suffix), folder)
    found = open_archive(archive).scan(lambda _, file: file)
    assert [file.closed for _, file in found if file is not None] == [True, True]
