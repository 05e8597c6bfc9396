"""A bundle written for a while, to be run: nobody will keep it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from bundler.entries import Entry
from bundler.errors import OutputFailed
from bundler.options import LinkMode
from bundler.sinks.copying import can_reflink
from bundler.sinks.directories.writer import FileWriter, file_writer

_FULL = (errno.ENOSPC, errno.EDQUOT)


def stage_in(working: str) -> str:
    """Where `write_stage` puts the folder."""
    return os.path.join(working, "stage")


def write_stage(entries: Iterable[Entry], working: str, *, threads: int) -> str:
    """Write entries into a new folder in the folder `working`, and give its path. Raises OutputFailed where the disk is full, OSError.

    Blocks are shared with the sources where the file system can do that. Files are never hard links: what a module writes into its
    own folder when it is imported must not reach the source.
    """
    root = stage_in(working)
    os.mkdir(root, 0o755)
    link = LinkMode.AUTO if can_reflink(working) else LinkMode.COPY
    files = FileWriter(root, working, file_writer(lambda _entry: link), threads=threads)
    try:
        for entry in entries:
            files.add(entry)
        files.drain()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise OutputFailed(
            f"{error.strerror} in {os.path.dirname(working)}: what an archive will hold is run there first, and needs the room",
            "make room for the unpacked bundle, or write without running anything (--no-verify), and `bundler verify --run` later",
        ) from error
    finally:
        files.abandon()
    files.finish_directories()
    return root
