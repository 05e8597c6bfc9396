"""Zip archives. Small members are decompressed by all processors, ahead of who reads them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, NamedTuple

from bundler.files import MOST_OF_A_MANIFEST
from bundler.machine import os
from bundler.trees.names import member_of
from bundler.trees.tree import MANIFEST, Items, Kind, Member

_MOST_THREADS = 4  # who reads the plain bytes is no faster
_SMALL = 1 << 23  # bytes of a file that is decompressed in one go
_LOCAL, _LOCAL_AT = (
    struct.Struct("<HH"),
    26,
)  # lengths of name and extra field: the end of a local header (APPNOTE 4.3.7)
_DESCRIBED, _DESCRIPTOR, _DESCRIPTOR_MARK = 0x8, 24, b"PK\7\b"
_END, _END_MARK = 22, b"PK\5\6"  # of the directory, without a comment (APPNOTE 4.3.16)
_AHEAD = 1 << 25  # bytes that wait to be read, at most
_LONGEST_TARGET = 1 << 16  # bytes


class _Found(NamedTuple):
    """A member on its way: its plain bytes where it is small, and is a file."""

    member: Member
    info: zipfile.ZipInfo
    plain: Future[bytes] | None


def members(path: str) -> Items:
    """See `trees.tree.Members`."""
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), thread_name_prefix="decompress")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_gaps(path, archive)
            yield from _in_order(archive, pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def manifest(path: str) -> bytes | None:
    """See `formats.ArchiveFormat.find_manifest_reader`."""
    with zipfile.ZipFile(path) as archive:
        last = archive.infolist()[-1:]
        is_one = last and os.path.basename(last[0].filename) == MANIFEST and last[0].file_size <= MOST_OF_A_MANIFEST
        return archive.read(last[0]) if is_one else None


def _check_gaps(path: str, archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile where there is anything between the members, before the first or behind the last.

    A program that reads the file from its beginning unpacks what the directory at its end does not name.
    """
    with open(path, "rb") as file:
        at = 0
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            if at != info.header_offset:
                raise zipfile.BadZipFile(f"{abs(info.header_offset - at)} bytes before {info.filename} are no member's")
            name, extra = _LOCAL.unpack(os.pread(file.fileno(), _LOCAL.size, at + _LOCAL_AT))
            at += _LOCAL_AT + _LOCAL.size + name + extra + info.compress_size
            if info.flag_bits & _DESCRIBED:
                at += _size_of_descriptor(os.pread(file.fileno(), _DESCRIPTOR, at), info)
        if at != archive.start_dir:
            raise zipfile.BadZipFile(f"{abs(archive.start_dir - at)} bytes behind its last member are no member's")
        size = os.fstat(file.fileno()).st_size
        end = os.pread(file.fileno(), _END, max(0, size - _END - len(archive.comment)))
        if not end.startswith(_END_MARK):
            raise zipfile.BadZipFile("something stands behind its end")


def _size_of_descriptor(data: bytes, info: zipfile.ZipInfo) -> int:
    """The bytes that stand behind a member whose size was not known before it (APPNOTE 4.3.9): a mark or none, sizes of 4 or 8."""
    mark = 4 if data.startswith(_DESCRIPTOR_MARK) else 0
    crc = info.CRC.to_bytes(4, "little")
    short = (
        crc
        + (info.compress_size & 0xFFFFFFFF).to_bytes(4, "little")
        + (info.file_size & 0xFFFFFFFF).to_bytes(4, "little")
    )
    return mark + (len(short) if data[mark:].startswith(short) and info.compress_size >> 32 == 0 else 20)


def _in_order(
    archive: zipfile.ZipFile, pool: ThreadPoolExecutor
) -> Generator[tuple[Member, IO[bytes] | None], None, None]:
    """The members, of which so many are decompressed at once that memory stays small."""
    queue: deque[_Found] = deque()
    waiting = 0
    for info in archive.infolist():
        member = _member(archive, info)
        if member is None:
            continue
        small = member.kind is Kind.FILE and info.file_size <= _SMALL
        queue.append(_Found(member, info, pool.submit(archive.read, info) if small else None))
        waiting += info.file_size if small else 0
        while queue and (waiting > _AHEAD or queue[0].plain is None or queue[0].plain.done()):
            found = queue.popleft()
            waiting -= found.info.file_size if found.plain is not None else 0
            yield _opened(archive, found)
    while queue:
        yield _opened(archive, queue.popleft())


def _opened(archive: zipfile.ZipFile, found: _Found) -> tuple[Member, IO[bytes] | None]:
    if found.plain is not None:
        return found.member, io.BytesIO(found.plain.result())
    return found.member, archive.open(found.info) if found.member.kind is Kind.FILE else None


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member | None:
    mode = info.external_attr >> 16
    kind = Kind.DIRECTORY if info.is_dir() else Kind.LINK if stat.S_ISLNK(mode) else Kind.FILE
    if kind is Kind.LINK and info.file_size > _LONGEST_TARGET:
        raise ValueError(f"the target of {info.filename} has {info.file_size} bytes")
    target = os.fsdecode(archive.read(info)) if kind is Kind.LINK else ""
    return member_of(info.filename, kind, stat.S_IMODE(mode), target)
