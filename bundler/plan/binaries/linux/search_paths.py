"""Which DT_RPATH each ELF file of the bundle needs, found by playing the loader on the bundle that is planned.

A file is changed only where the loader, started from the interpreter, would find a NEEDED elsewhere than planned, where its
RUNPATH would let LD_LIBRARY_PATH win, or where it names a path outside (DESIGN 2.4).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bundler.bundle_paths import NOWHERE, follow, relative
from bundler.scheme import BundleScheme
from bundler.systems.libraries import InBundle, Location
from bundler.systems.linux.closure import Closure, ElfFile
from bundler.systems.linux.loader import LoadedObject, Loader, LoaderView, SystemLibraries

_LONGEST_CHAIN = 64


class PlannedView:
    """What a loader would see: the bundle's ELF files below `NOWHERE`, the host's files elsewhere. See `loader.LoaderView`."""

    def __init__(self, libraries: Collection[str], links: Mapping[str, str], host: LoaderView) -> None:
        """`libraries` are bundle paths of ELF files, `links` are targets, as written, by the bundle path of a link."""
        self._libraries = libraries
        self._links = links
        self._host = host

    def is_library(self, path: str) -> bool:
        """Whether `path` is a library of the bundle, by itself or through links, or one of the host."""
        inside = NOWHERE.inside(path)
        return self._host.is_library(path) if inside is None else self.followed(inside) in self._libraries

    def normal(self, path: str) -> str:
        """In the bundle by the names alone: its own folders are no links that `..` could stand behind."""
        return os.path.normpath(path) if NOWHERE.holds(path) else self._host.normal(path)

    def followed(self, path: str) -> str | None:
        """The bundle path behind the links of a bundle path; None where it leads out or in a circle."""
        return follow(path, self._links)


@dataclass(frozen=True, slots=True)
class PlannedBundle:
    """What the search paths depend on beside the binaries: the bundle as it will be."""

    scheme: BundleScheme
    libpython: str | None
    """The bundle path of the libpython that the interpreter loads."""
    view: PlannedView
    bundle_path: Callable[[str], str | None]
    """The bundle path of a place as the source's loader names it; None for one that does not come along."""
    directories: Collection[str]
    """Bundle paths of all directories."""


@dataclass(frozen=True, slots=True)
class SearchPathChange:
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
        files: Iterable[ElfFile],
        closure: Closure,
        bundle: PlannedBundle,
        loader: Loader,
        system: SystemLibraries,
    ) -> None:
        self._files = {file.path: file for file in files}
        self._closure = closure
        self._bundle = bundle
        self._loader = loader
        self._system = system
        self._planned: dict[str, LoadedObject] = {}
        self._changes: dict[str, SearchPathChange | None] = {}

    def changes(self) -> dict[str, SearchPathChange]:
        """The change of each file that needs one, by bundle path."""
        for path in (self._bundle.scheme.executable, self._bundle.libpython, *self._files):
            if path is not None:
                self._plan(path)
        return {path: change for path, change in self._changes.items() if change is not None}

    def _plan(self, path: str) -> LoadedObject:
        """Decide on one file; give it as the loader will see it."""
        if path in self._planned:
            return self._planned[path]
        file = self._files[path]
        before = LoadedObject.from_image(NOWHERE.place(path), file.image)
        self._planned[path] = before  # a circle of libraries ends here
        change = self._change(file, before)
        self._changes[path] = change
        if change is not None:
            rpath = tuple(entry for entry in change.rpath.split(":") if entry)
            self._planned[path] = LoadedObject(before.path, rpath, None, before.no_default_libraries)
        return self._planned[path]

    def _change(self, file: ElfFile, before: LoadedObject) -> SearchPathChange | None:
        needs = self._closure.facts.needs.get(file.path, {})
        renamed = {
            name: os.path.basename(name)
            for name, location in needs.items()
            if name.startswith("/") and isinstance(location, InBundle)
        }
        entries = before.rpath if before.runpath is None else before.runpath
        kept = self._kept(entries, before)
        reasons = []
        vital = True
        if renamed:
            reasons.append("names a library by an absolute path")
        if misplaced := self._misplaced(before, file, needs):
            reasons.append("would not find " + ", ".join(misplaced))
        if self._may_be_overridden(before, needs):
            reasons.append("its RUNPATH would let LD_LIBRARY_PATH win")
        wanted = self._wanted(before, needs, kept)
        if self._carries_paths(file) and wanted != list(entries):
            reasons.append("carries the search path for the whole bundle")
        if kept != list(entries):
            vital = bool(reasons)
            reasons.append("its search path leads out of the bundle")
        if not reasons:
            return None
        return SearchPathChange(":".join(wanted), renamed, "; ".join(reasons), vital)

    def _may_be_overridden(self, before: LoadedObject, needs: Mapping[str, Location]) -> bool:
        """Whether LD_LIBRARY_PATH comes before what the file finds in the bundle, and would not with a DT_RPATH."""
        if before.runpath is None or not self._loader.rpath_beats_library_path:
            return False
        return any(isinstance(location, InBundle) for location in needs.values())

    def _carries_paths(self, file: ElfFile) -> bool:
        """The interpreter and libpython, whose DT_RPATH the others inherit."""
        scheme = self._bundle.scheme
        return file.path == scheme.executable or scheme.is_libpython(file.path)

    def _misplaced(self, before: LoadedObject, file: ElfFile, needs: Mapping[str, Location]) -> list[str]:
        """NEEDEDs that the loader would not find where they are planned."""
        view = self._bundle.view
        chain = (before, *self._loaders(file.path))
        wrong = []
        for name, location in needs.items():
            if isinstance(location, InBundle):
                found = self._loader.resolve(name, chain, view, self._system)
                inside = NOWHERE.inside(found.path) if found is not None else None
                place = view.followed(inside) if inside is not None else None
                if place is None or place != view.followed(location.path):
                    wrong.append(os.path.basename(name))
        return wrong

    def _loaders(self, path: str) -> tuple[LoadedObject, ...]:
        """What stands behind a file in the chain of loaders, as planned; the main program last."""
        loaded_by = self._closure.loaded_by
        chain: list[LoadedObject] = []
        seen = {path}
        requester = loaded_by.get(path)
        root = path
        while requester is not None and requester not in seen and len(chain) < _LONGEST_CHAIN:
            seen.add(requester)
            chain.append(self._plan(requester))
            root = requester
            requester = loaded_by.get(requester)
        if not self._files[root].is_program:
            for carrier in (self._bundle.libpython, self._bundle.scheme.executable):
                if carrier is not None and carrier not in seen:
                    chain.append(self._plan(carrier))
        return tuple(chain)

    def _kept(self, entries: Sequence[str], file: LoadedObject) -> list[str]:
        """The elements of a search path that stay: those that lead to a folder of the bundle, made relative."""
        kept = []
        for entry in entries:
            inside = self._inside(entry, file)
            if inside is not None:
                kept.append(entry if entry.startswith("$ORIGIN") else _origin(inside, file.path))
        return list(dict.fromkeys(kept))

    def _inside(self, entry: str, file: LoadedObject) -> str | None:
        """The bundle path that an element leads to, or None where it leads out, or may do so."""
        places = list(self._loader.expand(entry, file, self._bundle.view, self._system))
        inside = [NOWHERE.inside(place) for place in places]
        if inside and None not in inside:
            return inside[0]
        if not entry.startswith("/"):
            return None
        taken = self._bundle.bundle_path(os.path.normpath(entry))
        return taken if taken is not None and taken in self._bundle.directories else None

    def _wanted(self, file: LoadedObject, needs: Mapping[str, Location], kept: Sequence[str]) -> list[str]:
        """The whole search path of a file: what it keeps, and the folders of all that it needs from the bundle."""
        scheme, directories = self._bundle.scheme, self._bundle.directories
        folders = [os.path.dirname(location.path) for location in needs.values() if isinstance(location, InBundle)]
        if self._carries_paths(self._files[NOWHERE.inside(file.path) or ""]):
            folders = [scheme.libraries, *([scheme.bundled] if scheme.bundled in directories else []), *folders]
        wanted = list(kept)
        reached = {self._inside(entry, file) for entry in kept}
        for folder in dict.fromkeys(folders):
            if folder not in reached:
                wanted.append(_origin(folder, file.path))
        return wanted


def _origin(folder: str, path: str) -> str:
    """`$ORIGIN` and the way from the file at `path` (below `NOWHERE`) to `folder`, a bundle path."""
    way = relative(folder, os.path.dirname(NOWHERE.inside(path) or ""))
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"
