"""A bundle written for a while, to be run: nobody will keep it."""

from __future__ import annotations

import os
from collections.abc import Iterable

from bundler.entries import Entry
from bundler.options import LinkMode
from bundler.sinks.copying import can_reflink
from bundler.sinks.directories.writer import FileWriter, file_writer


def write_stage(entries: Iterable[Entry], working: str, *, threads: int) -> str:
    """Write entries into a new folder in the folder `working`, and give its path.

    Blocks are shared with the sources where the file system can do that. Files are never hard links: what a module writes into its
    own folder when it is imported must not reach the source.
    """
    root = os.path.join(working, "stage")
    os.mkdir(root, 0o755)
    link = LinkMode.AUTO if can_reflink(working) else LinkMode.COPY
    files = FileWriter(root, working, file_writer(lambda _entry: link), threads=threads)
    try:
        for entry in entries:
            files.add(entry)
        files.drain()
    finally:
        files.abandon()
    files.finish_directories()
    return root
