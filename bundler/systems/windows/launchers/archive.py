"""The zip archive at the end of a launcher, which Python runs as it runs any zip."""

from __future__ import annotations

import io
import struct
import zipfile

from bundler.systems.windows.launchers.launcher import Span

_END = struct.Struct("<4s4H2IH")
"""Of the end record: signature, two disks, entries here and in all, the directory's size and offset, length of the comment."""
_SIGNATURE = b"PK\5\6"
_LONGEST_COMMENT = 0xFFFF
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def find_archive(data: bytes, start: int, end: int) -> Span | None:
    """The last zip archive between two offsets of `data`, as launchers and Python look for it; None where there is none.

    Its start follows from its end record: offsets in a zip count from the archive's own start.
    """
    place = data.rfind(_SIGNATURE, max(start, end - _END.size - _LONGEST_COMMENT), end)
    if place < 0 or place + _END.size > end:
        return None
    *_, size, offset, comment = _END.unpack_from(data, place)
    first = place - size - offset
    behind = place + _END.size + comment
    if first < start or behind > end or not data.startswith(b"PK", first):
        return None
    return Span(first, behind)


def archive_of(script: bytes) -> bytes:
    """A zip archive whose `__main__.py` is `script`; the same bytes whenever it is made."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        member = zipfile.ZipInfo("__main__.py", _EARLIEST)
        member.create_system = 0
        archive.writestr(member, script)
    return file.getvalue()
