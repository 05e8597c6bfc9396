"""A bundle as a zip archive: UTF-8 names, permissions and links as Info-ZIP's unzip understands them, zip64 where needed."""

from __future__ import annotations

import datetime
import stat
import zipfile

from bundler.entries import Digest, Directory, Entry, Link, size_of
from bundler.errors import OutputFailed
from bundler.sinks.archives.archive import ArchiveSettings, MemberBytes
from bundler.sinks.archives.compression import checked_level
from bundler.sinks.archives.output import Output

_UNIX = 3
_DOS_DIRECTORY = 0x10
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_LATEST = (2107, 12, 31, 23, 59, 58)
_DEFAULT_LEVEL = 6


class ZipWriter:
    """Writes entries into a zip archive; see `MemberWriter`."""

    def __init__(self, output: Output, settings: ArchiveSettings) -> None:
        self._top = f"{settings.top}/" if settings.top else ""
        self._advance = settings.advance
        self._level = checked_level("zip", range(10), _DEFAULT_LEVEL, settings.level)
        top = self._info(self._top, stat.S_IFDIR | 0o755, settings.facts.root_ns) if settings.top else None
        self._zip = zipfile.ZipFile(output.open(), "w", zipfile.ZIP_DEFLATED, compresslevel=self._level)
        if top is not None:
            self._zip.writestr(top, b"")

    def write(self, entry: Entry, digests: dict[str, Digest]) -> None:
        """See MemberWriter. Raises OutputFailed for a name that is not UTF-8: zip has no way to say it."""
        name = self._top + entry.path
        match entry.content:
            case Directory():
                self._zip.writestr(self._info(name + "/", stat.S_IFDIR | entry.mode, entry.mtime_ns), b"")
            case Link(target):
                info = self._info(name, stat.S_IFLNK | 0o777, entry.mtime_ns)
                self._zip.writestr(info, target.encode())
            case _:
                content = MemberBytes(entry, digests)
                info = self._info(name, stat.S_IFREG | entry.mode, entry.mtime_ns)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.file_size = content.size
                with self._zip.open(info, "w", force_zip64=content.size >= 1 << 31) as file:
                    digests[entry.path] = content.send(file)
        self._advance(size_of(entry.content))

    def end(self, digests: dict[str, Digest]) -> None:
        """Write the directory of the archive."""
        self._zip.close()

    def notes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    def stop(self) -> None:
        """Let go of the archive without another write to it."""
        self._zip.fp = None

    def _info(self, name: str, mode: int, mtime_ns: int) -> zipfile.ZipInfo:
        try:
            name.encode()
        except UnicodeEncodeError:
            printable = name.encode("utf-8", "backslashreplace").decode()
            raise OutputFailed(f"{printable}: zip holds UTF-8 names only", "use a tar format") from None
        info = zipfile.ZipInfo(name, _dos_time(mtime_ns))
        info.create_system = _UNIX
        info.external_attr = mode << 16 | (_DOS_DIRECTORY if stat.S_ISDIR(mode) else 0)
        info._compresslevel = self._level  # type: ignore[attr-defined]  # public (`compress_level`) from 3.13
        return info


def _dos_time(mtime_ns: int) -> tuple[int, int, int, int, int, int]:
    """Year to second in UTC, within what zip can say (1980 to 2107, even seconds)."""
    time = datetime.datetime.fromtimestamp(mtime_ns // 1_000_000_000, datetime.timezone.utc)
    fields = (time.year, time.month, time.day, time.hour, time.minute, time.second)
    return min(max(fields, _EARLIEST), _LATEST)
