"""Walk the mounts and make an entry of every path: files, directories and links, nothing read yet.

A link whose target comes along stays a link, made relative; one that leads out of the bundle becomes what it means.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from bundler.bundle_paths import directories_of, parents, relative
from bundler.entries import Directory, Entry, Layer, Link, Source, settling_time, size_of, stamp_of
from bundler.errors import BundlerError
from bundler.machine import changed_at, os
from bundler.machine.failing import is_dir
from bundler.memory.digests import NOTHING_KNOWN, Known
from bundler.plan.listings import Listing, Listings, listing_of
from bundler.plan.mounts import Mount, MountTable
from bundler.plan.origins import ADDED, BUNDLER, ENVIRONMENT
from bundler.plan.overlay import Entries
from bundler.sysroot import HOST, Sysroot

_MAX_DEPTH = 100
_MOST_BY_LINKS = 500_000
"""Entries that links out of the mounts may bring: of folders that lead to each other there are no end of ways."""
_NAMED = 3
_NAME = attrgetter("name")
_KIND_AND_SET_ID = 0o170000 | stat.S_ISUID | stat.S_ISGID


@dataclass(frozen=True, slots=True)
class Collected:
    """Entries, and what was left out or noticed."""

    entries: Entries
    warnings: tuple[str, ...]
    clashes: tuple[str, ...]
    """Bundle paths of the user's own files (origin `added:`) where something else would have stood."""
    listings: Listings = field(default_factory=dict)
    """What was in the folders."""


def collect(table: MountTable, sysroot: Sysroot = HOST, known: Known = NOTHING_KNOWN, *, now: int = 0) -> Collected:
    """Every path below the mounts, links followed inside the sysroot; `known` are digests of files by their stamps.

    `now` (nanoseconds since the epoch) lies before the walk: files that changed shortly before, or later, get no stamp.

    Raises BundlerError for what may not be read.
    """
    collector = _Collector(table, sysroot, known, now)
    for mount in table.mounts:
        collector.take_mount(mount)
    collector.resolve_links()
    warnings = (*collector.warnings, *_leading_out(collector.outside, collector.entries))
    return Collected(collector.entries, warnings, tuple(collector.clashes), collector.listings)


def _leading_out(links: Sequence[str], entries: Entries) -> Iterator[str]:
    """What to say of the environment's links that lead out of it: what came along by them may be none of it."""
    if not links:
        return
    tops = set(links)
    brought = [entry for entry in entries.values() if _top_of(entry.origin, tops) is not None]
    size = sum(size_of(entry.content) for entry in brought if isinstance(entry.content, Source))
    files = sum(isinstance(entry.content, Source) for entry in brought)
    named = ", ".join(links[:_NAMED]) + (f" and {len(links) - _NAMED} more" if len(links) > _NAMED else "")
    some = "1 link leads" if len(links) == 1 else f"{len(links)} links lead"
    yield (
        f"{some} out of the environment, and what is there came along ({files} files, {-(-size // 1024)} KiB): {named}; "
        "--exclude leaves out what is not meant for others"
    )


def _top_of(origin: str, links: Collection[str]) -> str | None:
    """The link by which an entry came along; None for one that no link brought."""
    while origin not in links:
        origin = origin.rpartition("/")[0]
        if not origin:
            return None
    return origin


def source_of(path: str, found: os.stat_result, now: int, known: Known = NOTHING_KNOWN) -> Source:
    """The file at a path; with a stamp where its last change lies so far back from `now` that a later one shows in the stamp."""
    stamp = stamp_of(found) if now - changed_at(found) > settling_time(found) else b""
    return Source(path, found.st_size, stamp, known.get(stamp)) if stamp else Source(path, found.st_size)


@dataclass(frozen=True, slots=True)
class _Item:
    """Something on the way to become an entry: where it shall stand, and where it came from."""

    path: str
    source: str
    origin: str
    layer: Layer
    through: tuple[str, ...] = ()
    """The folders and files outside of the mounts that links led to on the way here, without links in their own paths."""


class _Collector:
    """The state of one walk."""

    def __init__(self, table: MountTable, sysroot: Sysroot, known: Known, now: int) -> None:
        self.entries: dict[str, Entry] = {}
        self.warnings: list[str] = []
        self.clashes: list[str] = []
        self.listings: dict[str, Listing] = {}
        self._table = table
        self._sysroot = sysroot
        self._known = known
        self._links: dict[str, _Item] = {}
        self._over_folders: set[str] = set()
        """Bundle paths of links that lie over a lower mount's folder."""
        self.outside: list[str] = []
        """The origins of the environment's own links that lead out of the mounts."""
        self._by_links = 0
        self._now = now

    def take_mount(self, mount: Mount) -> None:
        """Walk one mount over what is there."""
        item = _Item(mount.path, mount.source, mount.origin, mount.layer)
        found = _lstat(mount.source) if mount.path else os.stat(mount.source)
        if stat.S_ISLNK(found.st_mode):
            self._links[mount.path] = item
            self.entries.pop(mount.path, None)
        else:
            self._take(item, found, mount.skip, 0)

    def _take(self, item: _Item, found: os.stat_result, skip: frozenset[str], depth: int) -> None:
        mode = found.st_mode
        self._links.pop(item.path, None)
        if stat.S_ISDIR(mode):
            if item.path:
                self._put(item.path, item.origin, item.layer, Directory(), found)
            self._take_folder(item, found, skip, depth)
        elif stat.S_ISREG(mode):
            self._take_file(item.path, item.source, item.origin, item.layer, found)
        elif stat.S_ISLNK(mode):
            self._links[item.path] = item
            before = self.entries.pop(item.path, None)
            if before is not None and isinstance(before.content, Directory):
                self._over_folders.add(item.path)
        else:
            kind = _KINDS.get(stat.S_IFMT(mode), "special file")
            self.warnings.append(f"{item.origin} is a {kind} and is left out")

    def _take_file(self, path: str, source: str, origin: str, layer: Layer, found: os.stat_result) -> None:
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            self.warnings.append(f"{origin}: its set-id bit is not taken along")
        self._put(path, origin, layer, source_of(source, found, self._now, self._known), found)

    def _take_folder(self, item: _Item, found: os.stat_result, skip: frozenset[str], depth: int) -> None:
        """Everything in a folder; plain files here and now, since there are tens of thousands of them."""
        if depth > _MAX_DEPTH:
            raise BundlerError(f"{item.source} lies over {_MAX_DEPTH} folders deep", "is there a loop of links?")
        above = item.path + "/" if item.path else ""
        folder = os.path.join(item.source, "")
        origin = item.origin + ("" if item.origin.endswith(":") else "/")
        entries, links, known, now, layer = self.entries, self._links, self._known, self._now, item.layer
        scanned = _scan(item.source)
        self._by_links += len(scanned) if item.through else 0
        if self._by_links > _MOST_BY_LINKS:
            raise BundlerError(
                f"links out of the environment lead to more than {_MOST_BY_LINKS} files and folders, {item.origin} among them",
                "remove the links to what is none of the environment's, or to folders that lead to each other",
            )
        self.listings[item.source] = listing_of(item.path, found, now, [listed.name for listed in scanned])
        for listed in scanned:
            name = listed.name
            if name in skip:
                continue
            found = _facts(listed)
            path = above + name
            if found.st_mode & _KIND_AND_SET_ID == stat.S_IFREG and path not in entries and path not in links:
                content = source_of(folder + name, found, now, known)
                entries[path] = Entry(path, content, found.st_mode & 0o777, found.st_mtime_ns, layer, origin + name)
                continue
            inner = frozenset(inside[len(name) + 1 :] for inside in skip if inside.startswith(name + "/"))
            below = _Item(path, folder + name, origin + name, item.layer, item.through)
            if item.through and self._table.is_source(below.source) and stat.S_ISDIR(found.st_mode):
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

    def resolve_links(self) -> None:
        """Decide on each link, now that all paths are known; a folder taken for a link may bring more of them."""
        while self._links:
            links, self._links = self._links, {}
            for path, item in sorted(links.items()):
                self._resolve(path, item, links)

    def _resolve(self, path: str, item: _Item, links: dict[str, _Item]) -> None:
        target = self._sysroot.target(item.source)
        inside = self._table.bundle_path(target)
        known = inside is not None and (inside in self.entries or inside in links or not inside)
        real = self._sysroot.real(item.source)
        if path in self._over_folders and not is_dir(real):
            self._drop_below(path)
        elif path in self._over_folders:
            known = False  # what it leads to joins what lies there
        if inside is not None and known and inside != path:
            text = relative(inside, os.path.dirname(path))
            self._put(path, item.origin, item.layer, Link(text), _lstat(item.source))
            return
        if not self._sysroot.exists(item.source):
            self.warnings.append(f"{item.origin} is a link to {os.readlink(item.source)}, which is not there: left out")
            return
        around = (self._table.bundle_path(real) or "\0") + "/"
        if is_dir(real) and (
            (path + "/").startswith(around)
            or real in item.through
            or (item.through and item.source.startswith(real + "/"))
        ):
            self.warnings.append(f"{item.origin} is a link to a folder around it and is left out")
            return
        # On this machine a file keeps the name by which the loader would find it.
        source = real if is_dir(real) or not self._sysroot.is_host else item.source
        if self._table.bundle_path(real) is not None:
            self._take(_Item(path, source, item.origin, item.layer), os.stat(real), frozenset(), path.count("/"))
            return
        meant = _Item(path, source, item.origin, item.layer, (*item.through, real))
        self._take(meant, os.stat(real), frozenset(), path.count("/"))
        if item.origin.startswith(ENVIRONMENT) and not item.through:
            self.outside.append(item.origin)


def missing_parents(entries: Entries) -> tuple[Entry, ...]:
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
            found[parent] = Entry(parent, Directory(), 0o755, entry.mtime_ns, entry.layer, BUNDLER)
    return tuple(found.values())


_KINDS = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


def _lstat(path: str) -> os.stat_result:
    try:
        return os.lstat(path)
    except OSError as error:
        raise BundlerError(f"{path} cannot be read: {error.strerror}") from error


def _facts(listed: os.DirEntry[str]) -> os.stat_result:
    try:
        return listed.stat(follow_symlinks=False)
    except OSError as error:
        raise _unreadable(listed.path, error) from error


def _unreadable(path: str, error: OSError) -> BundlerError:
    gone = isinstance(error, FileNotFoundError)
    return BundlerError(
        f"{path} cannot be read: {error.strerror}",
        "it was there a moment ago: pack again when nothing writes there" if gone else "",
    )


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return sorted(items, key=_NAME)
    except OSError as error:
        raise _unreadable(folder, error) from error
