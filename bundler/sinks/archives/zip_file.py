"""The file of a zip archive, filled with members that are compressed already."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from bundler.files import copy_range
from bundler.sinks.archives.reuse import Kept
from bundler.sinks.archives.zip_members import index_of

_ZIP64 = 1 << 31  # bytes of a file from which sizes are told in 64 bits


class ZipFile:
    """Members one behind the other, and a directory at the end. `zipfile` makes the headers and the directory."""

    def __init__(self, file: BinaryIO) -> None:
        """It must be possible to go back in `file`."""
        self._file = file
        self._zip = zipfile.ZipFile(file, "w")
        self._start = 0
        self._fields: list[bytes] = []

    @property
    def index(self) -> bytes:
        """What the directory tells of the members."""
        return index_of(self._fields)

    def add(self, info: zipfile.ZipInfo, data: bytes, extra: bytes) -> None:
        """Add a member with these compressed bytes. `info` has its checksum and its file's size; the directory gets `extra`."""
        info.compress_size = len(data)
        self.begin(info)
        self._file.write(data)
        self._note(info, extra)

    def begin(self, info: zipfile.ZipInfo) -> None:
        """Begin a member: what `info` has not yet may be told by `end`, but for whether the file is large."""
        info.header_offset = self._file.tell()
        self._file.write(self._header(info))
        self._start = self._file.tell()

    def write(self, data: bytes) -> None:
        """Add compressed bytes to the member that was begun."""
        self._file.write(data)

    def copy(self, kept: Kept) -> None:
        """Add those of another archive's member to it."""
        self._file.flush()
        at = self._file.tell()
        copy_range(kept.descriptor, kept.offset, self._file.fileno(), at, kept.frame.size)
        self._file.seek(at + kept.frame.size)

    def end(self, info: zipfile.ZipInfo, extra: bytes) -> None:
        """End the member that was begun: `info` has its checksum now."""
        end = self._file.tell()
        info.compress_size = end - self._start
        self._file.seek(info.header_offset)
        self._file.write(self._header(info))
        self._file.seek(end)
        self._note(info, extra)

    def close(self) -> None:
        """Write the directory."""
        self._zip.close()

    def abandon(self) -> None:
        """Let go of the file without another write to it."""
        self._zip.fp = None

    def _header(self, info: zipfile.ZipInfo) -> bytes:
        return info.FileHeader(zip64=info.file_size >= _ZIP64)

    def _note(self, info: zipfile.ZipInfo, extra: bytes) -> None:
        """Have the member in the directory."""
        info.extra = extra
        self._fields.append(extra)
        self._zip.filelist.append(info)
        self._zip.NameToInfo[info.filename] = info
        self._zip.start_dir = self._file.tell()
