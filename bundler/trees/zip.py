"""Zip archives."""

from __future__ import annotations

import stat
import zipfile

from bundler.machine import os
from bundler.trees.names import member_of
from bundler.trees.tree import Items, Kind


def members(path: str) -> Items:
    """See `trees.tree.Members`."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            kind = Kind.DIRECTORY if info.is_dir() else Kind.LINK if stat.S_ISLNK(mode) else Kind.FILE
            target = os.fsdecode(archive.read(info)) if kind is Kind.LINK else ""
            member = member_of(info.filename, kind, stat.S_IMODE(mode), target)
            if member is not None:
                yield member, archive.open(info) if kind is Kind.FILE else None
