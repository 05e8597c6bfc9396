"""Walk the mounts and make an entry of every path: files, directories and links, nothing read yet.

A link whose target comes along stays a link, made relative; one that leads out of the bundle becomes what it means.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bundler.errors import BundlerError
from bundler.plan.entries import Directory, Entry, Layer, Link, Source, Stamp
from bundler.plan.mounts import Mount, MountTable, join, relative
from bundler.sysroot import HOST, Sysroot

_MAX_DEPTH = 100
_SETTLING_TIME = 2_000_000_000  # nanoseconds; file systems count in steps of up to a second
ADDED = "added:"
"""How the origin of the user's own files begins."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Entries by bundle path (in no order), and what was left out or noticed."""

    entries: dict[str, Entry]
    warnings: tuple[str, ...]
    clashes: tuple[str, ...]
    """Bundle paths of the user's own files (origin `added:`) where something else would have stood."""


def collect(table: MountTable, sysroot: Sysroot = HOST) -> Collected:
    """Every path below the mounts, links followed inside the sysroot. Raises BundlerError for what may not be read."""
    collector = _Collector(table, sysroot)
    for mount in table.mounts:
        collector.take_mount(mount)
    collector.settle_links()
    return Collected(collector.entries, tuple(collector.warnings), tuple(collector.clashes))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands and came from."""

    path: str
    source: str
    origin: str
    layer: Layer


class _Collector:
    """The state of one walk."""

    def __init__(self, table: MountTable, sysroot: Sysroot) -> None:
        self.entries: dict[str, Entry] = {}
        self.warnings: list[str] = []
        self.clashes: list[str] = []
        self._table = table
        self._sysroot = sysroot
        self._links: dict[str, _Place] = {}
        self._settled = time.time_ns() - _SETTLING_TIME

    def take_mount(self, mount: Mount) -> None:
        """Walk one mount over what is there."""
        place = _Place(mount.path, mount.source, mount.origin, mount.layer)
        found = _lstat(mount.source) if mount.path else os.stat(mount.source)
        if stat.S_ISLNK(found.st_mode):
            self._links[mount.path] = place
            self.entries.pop(mount.path, None)
        else:
            self._take(place, found, mount.skip, 0)

    def _take(self, place: _Place, found: os.stat_result, skip: frozenset[str], depth: int) -> None:
        mode = found.st_mode
        self._links.pop(place.path, None)
        if stat.S_ISDIR(mode):
            if place.path:
                self._put(place, Directory(), found)
            self._take_folder(place, skip, depth)
        elif stat.S_ISREG(mode):
            if mode & (stat.S_ISUID | stat.S_ISGID):
                self.warnings.append(f"{place.origin}: its set-id bit is not taken along")
            self._put(place, Source(place.source, found.st_size, self._stamp(found)), found)
        elif stat.S_ISLNK(mode):
            self._links[place.path] = place
            self.entries.pop(place.path, None)
        else:
            kind = _KINDS.get(stat.S_IFMT(mode), "special file")
            self.warnings.append(f"{place.origin} is a {kind} and is left out")

    def _take_folder(self, place: _Place, skip: frozenset[str], depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise BundlerError(f"{place.source} lies over {_MAX_DEPTH} folders deep", "is there a loop of links?")
        for item in _scan(place.source):
            if item.name in skip:
                continue
            inner = frozenset(name[len(item.name) + 1 :] for name in skip if name.startswith(item.name + "/"))
            below = _Place(
                join(place.path, item.name),
                os.path.join(place.source, item.name),
                place.origin + ("" if place.origin.endswith(":") else "/") + item.name,
                place.layer,
            )
            self._take(below, item.stat(follow_symlinks=False), inner, depth + 1)

    def _stamp(self, found: os.stat_result) -> Stamp | None:
        """What tells that a file is still the same; None for one changed so lately that its time may stay when it changes again."""
        return (found.st_dev, found.st_ino, found.st_ctime_ns) if found.st_ctime_ns < self._settled else None

    def _put(self, place: _Place, content: Source | Directory | Link, found: os.stat_result) -> None:
        before = self.entries.get(place.path)
        if isinstance(content, Directory) and before is not None and isinstance(before.content, Directory):
            return
        if before is not None and place.origin.startswith(ADDED) and not before.origin.startswith(ADDED):
            self.clashes.append(place.path)
        mode = stat.S_IMODE(found.st_mode) & 0o777
        self.entries[place.path] = Entry(place.path, content, mode, found.st_mtime_ns, place.layer, place.origin)

    def settle_links(self) -> None:
        """Decide on each link, now that all paths are known; a folder taken for a link may bring more of them."""
        while self._links:
            links, self._links = self._links, {}
            for path, place in sorted(links.items()):
                self._settle(path, place, links)

    def _settle(self, path: str, place: _Place, links: dict[str, _Place]) -> None:
        target = self._sysroot.target(place.source)
        inside = self._table.bundle_path(target)
        known = inside is not None and (inside in self.entries or inside in links or not inside)
        if inside is not None and known and inside != path:
            text = relative(inside, os.path.dirname(path))
            self._put(place, Link(text), _lstat(place.source))
            return
        if not self._sysroot.exists(place.source):
            self.warnings.append(
                f"{place.origin} is a link to {os.readlink(place.source)}, which is not there: left out"
            )
            return
        real = self._sysroot.real(place.source)
        if os.path.isdir(real) and (path + "/").startswith((self._table.bundle_path(real) or "\0") + "/"):
            self.warnings.append(f"{place.origin} is a link to a folder around it and is left out")
            return
        # On this machine a file keeps the name by which the loader would find it.
        source = real if os.path.isdir(real) or not self._sysroot.is_host else place.source
        meant = _Place(path, source, place.origin, place.layer)
        self._take(meant, os.stat(real), frozenset(), path.count("/"))


def missing_parents(entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """Entries for the directories that no source brought, with a plain mode and the time of what is in them."""
    wanted = directories_of(entries) - entries.keys()
    found: dict[str, Entry] = {}
    for path in sorted(entries) if wanted else ():
        entry = entries[path]
        for parent in parents(path):
            if parent in wanted and parent not in found:
                found[parent] = Entry(parent, Directory(), 0o755, entry.mtime_ns, entry.layer, "bundler")
    return tuple(found.values())


def directories_of(entries: Mapping[str, Entry]) -> set[str]:
    """The bundle paths of all directories that the entries lie in."""
    nearest = {path.rpartition("/")[0] for path in entries} - {""}
    return nearest | {parent for folder in nearest for parent in parents(folder)}


def parents(path: str) -> Iterator[str]:
    """The bundle paths of the directories above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


_KINDS = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


def _lstat(path: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as error:
        raise BundlerError(f"{path} cannot be read: {error.strerror}") from error


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=lambda item: item.name)
    except OSError as error:
        raise BundlerError(f"{folder} cannot be read: {error.strerror}") from error
