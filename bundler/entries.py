"""One path of a bundle, and where its content comes from.

Paths are POSIX, relative to the bundle's root, without `.` or `..`. Text that came from the file system is decoded
with `os.fsdecode`, so names that are not UTF-8 survive.

An environment has tens of thousands of paths: what there is one of for each is a NamedTuple, which is made three times as fast
as a frozen dataclass.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.binaries.patch import Patch
from bundler.machine import os


class Layer(enum.Enum):
    """What a path belongs to; images put each in a layer of its own."""

    RUNTIME = "runtime"
    PACKAGES = "packages"
    APPLICATION = "application"


class Digest(NamedTuple):
    """What was written for a file: its SHA-256 (32 bytes) and its size in bytes."""

    sha256: bytes
    size: int


Digests = Mapping[str, Digest]
"""Digest of every regular file written so far, by bundle path."""


Stamp = bytes
"""Device, inode, size, `mtime` and `ctime` of a file, packed: as long as it is the same, so is the file's content."""
_STAMP = struct.Struct("=QQQqq")
STAMP_SIZE = _STAMP.size


def stamp_of(facts: os.stat_result) -> Stamp:
    """The stamp of a file; an empty one, which no file has, for times that it cannot hold (later than the year 2262)."""
    try:
        return _STAMP.pack(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    except struct.error:
        return b""


CONTENT_SIZE = 32
"""How many bytes of a stamp change with the content: all but the time of the last change, which a link or a mode changes, too."""
INODE_SIZE = 16
"""How many bytes of a stamp tell the file from others, whatever becomes of its content: device and inode."""
_INODE = struct.Struct("=QQ")


def inode_of(facts: os.stat_result) -> bytes:
    """Device and inode of a file, as its stamp begins."""
    return _INODE.pack(facts.st_dev, facts.st_ino)


def settling_time(facts: os.stat_result) -> int:
    """How long, in nanoseconds, a file must be left alone before its times tell it from what becomes of it.

    File systems count in steps: some of seconds, others as the kernel's clock ticks, a hundred times a second or more often.
    """
    return 100_000_000 if facts.st_ctime_ns % 1_000_000 else 2_000_000_000


class Source(NamedTuple):
    """A file taken as it is: `path` on this machine, `size` in bytes when the plan was made.

    `stamp` is None where it would prove nothing. `sha256` is the file's digest at that stamp, where it is known.
    """

    path: str
    size: int
    stamp: Stamp | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Patched:
    """A file taken with changes: `patch` over the file at `path`.

    `stamp` is the source's; `sha256` is the digest of the outcome for a source with that stamp, where it is known.
    """

    path: str
    patch: Patch
    stamp: Stamp | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """Bytes made while planning."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link; `target` is relative and stays inside the bundle."""

    target: str


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Bytes that are made when the digests of all entries before it are known (RECORD, bundle.json)."""

    make: Callable[[Digests], bytes]
    size: int = 0
    """About how many there will be: for a progress bar."""


Content = Source | Patched | Literal | Link | Directory | Deferred


def size_of(content: Content) -> int:
    """Bytes that a file will have, about as many for one that is deferred; 0 for what is no file."""
    match content:
        case Source(_, size) | Deferred(_, size):
            return size
        case Patched(_, patch):
            return patch.size
        case Literal(data):
            return len(data)
        case _:
            return 0


class Entry(NamedTuple):
    """One path of the bundle.

    `mode` holds permission bits only; `mtime_ns` is in nanoseconds since the epoch. `origin` says where the content
    came from without naming this machine (`env:…`, `base:…`, `host:…`, `bundler`). `reason` is why the content
    differs from its origin, or None where it does not.
    """

    path: str
    content: Content
    mode: int
    mtime_ns: int
    layer: Layer
    origin: str
    reason: str | None = None
