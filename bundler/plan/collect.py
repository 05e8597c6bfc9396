"""Walk the mounts and make an entry of every path: files, directories and links, nothing read yet.

A link whose target comes along stays a link, made relative; one that leads out of the bundle becomes what it means.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from bundler.bundle_paths import directories_of, parents, relative
from bundler.entries import Directory, Entry, Layer, Link, Source, settling_time, stamp_of
from bundler.errors import BundlerError
from bundler.memory.digests import NOTHING_KNOWN, Known
from bundler.plan.mounts import Mount, MountTable
from bundler.sysroot import HOST, Sysroot

_MAX_DEPTH = 100
ADDED = "added:"
"""How the origin of the user's own files begins."""
_NAME = attrgetter("name")
_KIND_AND_SET_ID = 0o170000 | stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True, slots=True)
class Collected:
    """Entries by bundle path (in no order), and what was left out or noticed."""

    entries: dict[str, Entry]
    warnings: tuple[str, ...]
    clashes: tuple[str, ...]
    """Bundle paths of the user's own files (origin `added:`) where something else would have stood."""


def collect(table: MountTable, sysroot: Sysroot = HOST, known: Known = NOTHING_KNOWN) -> Collected:
    """Every path below the mounts, links followed inside the sysroot; `known` are digests of files by their stamps.

    Raises BundlerError for what may not be read.
    """
    collector = _Collector(table, sysroot, known)
    for mount in table.mounts:
        collector.take_mount(mount)
    collector.settle_links()
    return Collected(collector.entries, tuple(collector.warnings), tuple(collector.clashes))


def source_of(path: str, found: os.stat_result, now: int, known: Known = NOTHING_KNOWN) -> Source:
    """The file at a path; with a stamp where its last change lies so far back from `now` that a later one shows in the stamp."""
    stamp = stamp_of(found) if now - found.st_ctime_ns > settling_time(found) else b""
    return Source(path, found.st_size, stamp, known.get(stamp)) if stamp else Source(path, found.st_size)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an entry stands and came from."""

    path: str
    source: str
    origin: str
    layer: Layer
    by_link: bool = False
    """Whether a link led here, out of the mounts."""


class _Collector:
    """The state of one walk."""

    def __init__(self, table: MountTable, sysroot: Sysroot, known: Known) -> None:
        self.entries: dict[str, Entry] = {}
        self.warnings: list[str] = []
        self.clashes: list[str] = []
        self._table = table
        self._sysroot = sysroot
        self._known = known
        self._links: dict[str, _Place] = {}
        self._over_folders: set[str] = set()
        """Bundle paths of links that lie over a lower mount's folder."""
        self._now = time.time_ns()

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
                self._put(place.path, place.origin, place.layer, Directory(), found)
            self._take_folder(place, skip, depth)
        elif stat.S_ISREG(mode):
            self._take_file(place.path, place.source, place.origin, place.layer, found)
        elif stat.S_ISLNK(mode):
            self._links[place.path] = place
            before = self.entries.pop(place.path, None)
            if before is not None and isinstance(before.content, Directory):
                self._over_folders.add(place.path)
        else:
            kind = _KINDS.get(stat.S_IFMT(mode), "special file")
            self.warnings.append(f"{place.origin} is a {kind} and is left out")

    def _take_file(self, path: str, source: str, origin: str, layer: Layer, found: os.stat_result) -> None:
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            self.warnings.append(f"{origin}: its set-id bit is not taken along")
        self._put(path, origin, layer, source_of(source, found, self._now, self._known), found)

    def _take_folder(self, place: _Place, skip: frozenset[str], depth: int) -> None:
        """Everything in a folder; plain files here and now, since there are tens of thousands of them."""
        if depth > _MAX_DEPTH:
            raise BundlerError(f"{place.source} lies over {_MAX_DEPTH} folders deep", "is there a loop of links?")
        above = place.path + "/" if place.path else ""
        folder = os.path.join(place.source, "")
        origin = place.origin + ("" if place.origin.endswith(":") else "/")
        entries, links, known, now, layer = self.entries, self._links, self._known, self._now, place.layer
        for item in _scan(place.source):
            name = item.name
            if name in skip:
                continue
            found = item.stat(follow_symlinks=False)
            path = above + name
            if found.st_mode & _KIND_AND_SET_ID == stat.S_IFREG and path not in entries and path not in links:
                content = source_of(folder + name, found, now, known)
                entries[path] = Entry(path, content, found.st_mode & 0o777, found.st_mtime_ns, layer, origin + name)
                continue
            inner = frozenset(inside[len(name) + 1 :] for inside in skip if inside.startswith(name + "/"))
            below = _Place(path, folder + name, origin + name, place.layer, place.by_link)
            if place.by_link and self._table.is_source(below.source) and stat.S_ISDIR(found.st_mode):
                self.warnings.append(f"{below.origin} lies behind a link to a folder around it and is left out there")
                continue
            self._take(below, found, inner, depth + 1)

    def _put(
        self, path: str, origin: str, layer: Layer, content: Source | Directory | Link, found: os.stat_result
    ) -> None:
        before = self.entries.get(path)
        if before is not None:
            if isinstance(before.content, Directory):
                if isinstance(content, Directory):
                    return
                self._drop_below(path)
            if origin.startswith(ADDED) and not before.origin.startswith(ADDED):
                self.clashes.append(path)
        self.entries[path] = Entry(path, content, found.st_mode & 0o777, found.st_mtime_ns, layer, origin)

    def _drop_below(self, path: str) -> None:
        """Forget what lower mounts brought into a folder that is none any more."""
        for known in (self.entries, self._links):
            for lower in [name for name in known if name.startswith(path + "/")]:
                del known[lower]

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
        real = self._sysroot.real(place.source)
        if path in self._over_folders and not os.path.isdir(real):
            self._drop_below(path)
        elif path in self._over_folders:
            known = False  # what it leads to joins what lies there
        if inside is not None and known and inside != path:
            text = relative(inside, os.path.dirname(path))
            self._put(path, place.origin, place.layer, Link(text), _lstat(place.source))
            return
        if not self._sysroot.exists(place.source):
            self.warnings.append(
                f"{place.origin} is a link to {os.readlink(place.source)}, which is not there: left out"
            )
            return
        around = (self._table.bundle_path(real) or "\0") + "/"
        if os.path.isdir(real) and (
            (path + "/").startswith(around) or (place.by_link and place.source.startswith(real + "/"))
        ):
            self.warnings.append(f"{place.origin} is a link to a folder around it and is left out")
            return
        # On this machine a file keeps the name by which the loader would find it.
        source = real if os.path.isdir(real) or not self._sysroot.is_host else place.source
        meant = _Place(path, source, place.origin, place.layer, by_link=self._table.bundle_path(real) is None)
        self._take(meant, os.stat(real), frozenset(), path.count("/"))


def missing_parents(entries: Mapping[str, Entry]) -> tuple[Entry, ...]:
    """Entries for the directories that no source brought, with a plain mode and the time of what is in them."""
    wanted = directories_of(entries) - entries.keys()
    found: dict[str, Entry] = {}
    folder = ""
    for path in sorted(entries) if wanted else ():
        before, folder = folder, path.rpartition("/")[0]
        for parent in parents(path) if folder != before else ():
            if parent not in wanted:
                continue
            if parent in found:
                break
            entry = entries[path]
            found[parent] = Entry(parent, Directory(), 0o755, entry.mtime_ns, entry.layer, "bundler")
    return tuple(found.values())


_KINDS = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


def _lstat(path: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as error:
        raise BundlerError(f"{path} cannot be read: {error.strerror}") from error


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=_NAME)
    except OSError as error:
        raise BundlerError(f"{folder} cannot be read: {error.strerror}") from error
