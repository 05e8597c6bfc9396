"""One path of a bundle, and where its content comes from.

Paths are POSIX, relative to the bundle's root, without `.` or `..`. Text that came from the file system is decoded
with `os.fsdecode`, so names that are not UTF-8 survive.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bundler.binaries.patch import Patch


class Layer(enum.Enum):
    """What a path belongs to; images put each in a layer of its own."""

    RUNTIME = "runtime"
    PACKAGES = "packages"
    APPLICATION = "application"


@dataclass(frozen=True, slots=True)
class Digest:
    """What was written for a file: its SHA-256 (32 bytes) and its size in bytes."""

    sha256: bytes
    size: int


Digests = Mapping[str, Digest]
"""Digest of every regular file written so far, by bundle path."""


Stamp = tuple[int, int, int]
"""Device, inode and time of the last change (`ctime`, in nanoseconds): as long as it is the same, so is the file's content."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file taken as it is: `path` on this machine, `size` in bytes when the plan was made.

    `stamp` is None where it would prove nothing.
    """

    path: str
    size: int
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Patched:
    """A file taken with changes: `patch` over the file at `path`."""

    path: str
    patch: Patch


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


Content = Source | Patched | Literal | Link | Directory | Deferred


@dataclass(frozen=True, slots=True)
class Entry:
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
