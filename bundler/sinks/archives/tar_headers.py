"""The headers of tar members, in GNU format: long names and names that are not UTF-8 as they are, owners root, whole seconds."""

from __future__ import annotations

import tarfile
from functools import cache

from bundler.entries import Directory, Entry, Link

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
"""The end of an archive."""
_NANOSECONDS = 1_000_000_000
_LARGEST = 8**11 - 1  # what eleven octal digits can say
_ROOT = b"0000000\0" * 2  # user and group


def header(above: str, entry: Entry, size: int = 0) -> bytes:
    """What stands before the bytes of an entry, of which a file has `size`. `above` comes before its path."""
    name = above + entry.path
    match entry.content:
        case Directory():
            return _header(name.rstrip("/") + "/", tarfile.DIRTYPE, entry.mode, entry.mtime_ns)
        case Link(target):
            return _header(name, tarfile.SYMTYPE, 0o777, entry.mtime_ns, target=target)
        case _:
            return _header(name, tarfile.REGTYPE, entry.mode, entry.mtime_ns, size)


def facts_in_header(above: str, entry: Entry, size: int = 0) -> bytes:
    """All that decides an entry's header, at a fraction of its cost."""
    kind, target = b"file", ""
    match entry.content:
        case Directory():
            kind = b"directory"
        case Link(target):
            kind = b"link"
    name = f"{above}{entry.path}\0{target}\0".encode("utf-8", "surrogateescape")
    return b"%b %o %d %d %b" % (kind, entry.mode, size, entry.mtime_ns // _NANOSECONDS, name)


def padding(size: int) -> bytes:
    """What stands behind the `size` bytes of a file."""
    return bytes(-size % BLOCK)


def _header(name: str, kind: bytes, mode: int, mtime_ns: int, size: int = 0, *, target: str = "") -> bytes:
    """The header of one member, as `tarfile` makes it; for most put together here, at a fraction of the cost."""
    time = max(0, mtime_ns // _NANOSECONDS)
    encoded = name.encode("utf-8", "surrogateescape")
    if target or len(encoded) > tarfile.LENGTH_NAME or size > _LARGEST or time > _LARGEST:
        info = tarfile.TarInfo(name)
        info.type = kind
        info.mode = mode
        info.size = size
        info.mtime = time
        info.linkname = target
        return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
    head = b"%b%07o\0%b%011o\0%011o\0" % (encoded.ljust(tarfile.LENGTH_NAME, b"\0"), mode, _ROOT, size, time)
    rest = _rest(kind)
    return head + b"%06o\0 " % (sum(head) + sum(rest) + 8 * 0x20) + rest


@cache
def _rest(kind: bytes) -> bytes:
    """What follows the checksum in a header: the same for all members of a kind."""
    info = tarfile.TarInfo()
    info.type = kind
    return info.tobuf(tarfile.GNU_FORMAT)[156:]
