"""Which DT_RPATH each ELF file of the bundle needs, found by playing the loader on the bundle that is planned.

A file is changed only where the loader, started from `bin/python`, would find a NEEDED elsewhere than planned, where its
RUNPATH would let LD_LIBRARY_PATH win, or where it names a path outside (DESIGN 2.4).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bundler.bundle_paths import join, relative
from bundler.systems.linux.closure import BUNDLED, Binary, Closure, Inside, Location
from bundler.systems.linux.glibc import resolve
from bundler.systems.linux.loader import Files, LoadedObject, SystemLibraries

# Where the bundle stands while it is only planned. No path of a real machine begins like this.
ROOT = "/\x01bundle"
_LONGEST_CHAIN = 64


class PlannedFiles:
    """What a loader would see: the bundle's ELF files below `ROOT`, the host's files elsewhere."""

    def __init__(self, libraries: Collection[str], links: Mapping[str, str], host: Files) -> None:
        """`libraries` are bundle paths of ELF files, `links` maps a link's bundle path to its target's."""
        self._libraries = libraries
        self._links = links
        self._host = host

    def is_library(self, path: str) -> bool:
        """Whether `path` is a library of the bundle, by itself or through links, or one of the host."""
        if not path.startswith(ROOT + "/"):
            return self._host.is_library(path)
        return self.settled(path[len(ROOT) + 1 :]) in self._libraries

    def normal(self, path: str) -> str:
        """In the bundle by the names alone: its own folders are no links that `..` could stand behind."""
        return os.path.normpath(path) if path.startswith(ROOT + "/") else self._host.normal(path)

    def settled(self, path: str) -> str:
        """The bundle path behind the links of `path`, those of its folders included."""
        for _ in range(40):
            parts = path.split("/")
            for count in range(len(parts), 0, -1):
                target = self._links.get("/".join(parts[:count]))
                if target is not None:
                    path = "/".join((target, *parts[count:]))
                    break
            else:
                return path
        return path


@dataclass(frozen=True, slots=True)
class Change:
    """What a file needs: its new DT_RPATH ("" for none), new names for absolute NEEDEDs, and why."""

    rpath: str
    needed: Mapping[str, str]
    reason: str
    vital: bool
    """False where the bundle works without the change, which then only takes away a foreign path."""


class SearchPaths:
    """Plans search paths for the binaries of one bundle; requesters before what they load."""

    def __init__(
        self,
        binaries: Iterable[Binary],
        closure: Closure,
        executable: str,
        libpython: str | None,
        files: PlannedFiles,
        system: SystemLibraries,
        bundle_path: Callable[[str], str | None],
        directories: Collection[str],
    ) -> None:
        """`executable` and `libpython` are bundle paths; `directories` are the bundle's.

        `bundle_path` gives the bundle path of a place as the source's loader names it.
        """
        self._binaries = {binary.path: binary for binary in binaries}
        self._closure = closure
        self._executable = executable
        self._libpython = libpython
        self._files = files
        self._system = system
        self._bundle_path = bundle_path
        self._directories = directories
        self._planned: dict[str, LoadedObject] = {}
        self._changes: dict[str, Change | None] = {}

    def changes(self) -> dict[str, Change]:
        """The change of each file that needs one, by bundle path."""
        for path in (self._executable, self._libpython, *self._binaries):
            if path is not None:
                self._plan(path)
        return {path: change for path, change in self._changes.items() if change is not None}

    def _plan(self, path: str) -> LoadedObject:
        """Decide on one file; give it as the loader will see it."""
        if path in self._planned:
            return self._planned[path]
        binary = self._binaries[path]
        before = LoadedObject.from_image(f"{ROOT}/{path}", binary.image)
        self._planned[path] = before  # a circle of libraries ends here
        change = self._change(binary, before)
        self._changes[path] = change
        if change is not None:
            rpath = tuple(entry for entry in change.rpath.split(":") if entry)
            self._planned[path] = LoadedObject(before.path, rpath, None, before.no_default_libraries)
        return self._planned[path]

    def _change(self, binary: Binary, before: LoadedObject) -> Change | None:
        needs = self._closure.needs.get(binary.path, {})
        renamed = {
            name: os.path.basename(name)
            for name, location in needs.items()
            if name.startswith("/") and isinstance(location, Inside)
        }
        entries = before.rpath if before.runpath is None else before.runpath
        kept = self._kept(entries, binary.path)
        reasons = []
        vital = True
        if renamed:
            reasons.append("names a library by an absolute path")
        if misplaced := self._misplaced(before, binary, needs):
            reasons.append("would not find " + ", ".join(misplaced))
        if before.runpath is not None and any(isinstance(location, Inside) for location in needs.values()):
            reasons.append("its RUNPATH would let LD_LIBRARY_PATH win")
        wanted = self._wanted(binary, needs, kept)
        if self._carries_paths(binary) and wanted != list(entries):
            reasons.append("carries the search path for the whole bundle")
        if kept != list(entries):
            vital = bool(reasons)
            reasons.append("its search path leads out of the bundle")
        if not reasons:
            return None
        return Change(":".join(wanted), renamed, "; ".join(reasons), vital)

    def _carries_paths(self, binary: Binary) -> bool:
        """The interpreter and libpython, whose DT_RPATH the others inherit."""
        name = os.path.basename(binary.path)
        return binary.path == self._executable or (name.startswith("libpython") and binary.path == f"lib/{name}")

    def _misplaced(self, before: LoadedObject, binary: Binary, needs: Mapping[str, Location]) -> list[str]:
        """NEEDEDs that the loader would not find where they are planned."""
        chain = (before, *self._loaders(binary.path))
        wrong = []
        for name, location in needs.items():
            if isinstance(location, Inside):
                found = resolve(name, chain, self._files, self._system)
                inside = found is not None and found.path.startswith(ROOT + "/")
                place = self._files.settled(found.path[len(ROOT) + 1 :]) if found is not None and inside else None
                if place != self._files.settled(location.path):
                    wrong.append(os.path.basename(name))
        return wrong

    def _loaders(self, path: str) -> tuple[LoadedObject, ...]:
        """What stands behind a file in the chain of loaders, as planned; the main program last."""
        chain: list[LoadedObject] = []
        seen = {path}
        requester = self._closure.loaded_by.get(path)
        root = path
        while requester is not None and requester not in seen and len(chain) < _LONGEST_CHAIN:
            seen.add(requester)
            chain.append(self._plan(requester))
            root = requester
            requester = self._closure.loaded_by.get(requester)
        if not self._binaries[root].is_program:
            for carrier in (self._libpython, self._executable):
                if carrier is not None and carrier not in seen:
                    chain.append(self._plan(carrier))
        return tuple(chain)

    def _kept(self, entries: Sequence[str], path: str) -> list[str]:
        """The entries of a search path that stay: those that lead to a folder of the bundle, made relative."""
        kept = []
        for entry in entries:
            inside = self._inside(entry, path)
            if inside is not None:
                kept.append(entry if entry.startswith("$ORIGIN") else _origin(inside, path))
        return list(dict.fromkeys(kept))

    def _inside(self, entry: str, path: str) -> str | None:
        """The bundle path that an entry leads to, or None where it leads out."""
        text = entry.replace("${ORIGIN}", "$ORIGIN")
        if text == "$ORIGIN" or text.startswith("$ORIGIN/"):
            place = os.path.normpath(join(ROOT, os.path.dirname(path), text[len("$ORIGIN/") :]))
            if place == ROOT:
                return ""
            return place[len(ROOT) + 1 :] if place.startswith(ROOT + "/") else None
        if not text.startswith("/"):
            return None
        inside = self._bundle_path(os.path.normpath(text))
        return inside if inside is not None and inside in self._directories else None

    def _wanted(self, binary: Binary, needs: Mapping[str, Location], kept: Sequence[str]) -> list[str]:
        """The whole search path of a file: what it keeps, and the folders of all that it needs from the bundle."""
        folders = [os.path.dirname(location.path) for location in needs.values() if isinstance(location, Inside)]
        if self._carries_paths(binary):
            folders = ["lib", *([BUNDLED] if BUNDLED in self._directories else []), *folders]
        wanted = list(kept)
        reached = {self._inside(entry, binary.path) for entry in kept}
        for folder in dict.fromkeys(folders):
            if folder not in reached:
                wanted.append(_origin(folder, binary.path))
        return wanted


def _origin(folder: str, path: str) -> str:
    """`$ORIGIN` and the way from the file at `path` to `folder`, both bundle paths."""
    way = relative(folder, os.path.dirname(path))
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"
