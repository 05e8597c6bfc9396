"""Which DT_RPATH each ELF file of the bundle needs, found by playing the loader on the bundle that is planned.

A file is changed only where the loader would find a NEEDED elsewhere than planned, where its RUNPATH would let LD_LIBRARY_PATH
win, or where it names a path outside (DESIGN 2.4). Flow: what a file tells by itself is decided first; then both loaders are
played in step (`lockstep`), and a requester that would not find what it should gets a search path of its own, which comes
before all that it inherits; until nothing changes any more. What is wrong then cannot be helped by search paths: two chains of
requesters contradict each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from bundler.bundle_paths import NOWHERE, relative
from bundler.machine import os
from bundler.plan.binaries.linux.folder_order import in_right_order
from bundler.plan.binaries.linux.lockstep import Lockstep, Misplaced, PlannedObject, PlannedView
from bundler.plan.binaries.linux.own_libc import OwnLibc
from bundler.scheme import BundleScheme
from bundler.systems.libraries import InBundle
from bundler.systems.linux.closure import Closure, ElfFile
from bundler.systems.linux.loader import LoadedObject, Loader, SystemLibraries, Via


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
    versioned: Callable[[ElfFile], Collection[str]]
    """The names of the libraries of which a file needs versions of symbols."""
    own_libc: OwnLibc | None = None
    """What the bundle brings of libc."""


@dataclass(frozen=True, slots=True)
class SearchPathChange:
    """What a file needs: its new DT_RPATH ("" for none), new names for absolute NEEDEDs, and why."""

    rpath: str
    own_rpath: str | None
    """The DT_RPATH of a program that the bundle's own loader starts; None for others."""
    needed: Mapping[str, str]
    reason: str
    vital: bool
    """False where the bundle works without the change, which then only takes away a foreign path."""


class SearchPaths:
    """Plans search paths for the binaries of one bundle."""

    def __init__(
        self,
        files: Iterable[ElfFile],
        closure: Closure,
        bundle: PlannedBundle,
        loader: Loader,
        system: SystemLibraries,
    ) -> None:
        self._files = {file.path: file for file in files}
        self._bundle = bundle
        self._loader = loader
        self._system = system
        self._carriers = [path for path in (bundle.libpython, bundle.scheme.executable) if path is not None]
        self._lockstep = Lockstep(closure, bundle.scheme.executable, bundle.view, loader, system)
        self._needs = _single_answers(closure, bundle.view)
        self._moved = _moved_folders(closure)
        self._named = _meanings(closure, bundle.view)
        self._bundled_first = False
        self._misplaced: dict[str, dict[str, None]] = {}
        self._planned: dict[str, PlannedObject] = {}
        self._changes: dict[str, SearchPathChange | None] = {}

    def plan(self) -> tuple[dict[str, SearchPathChange], list[Misplaced]]:
        """The change of each file that needs one, by bundle path; and what would not be found all the same."""
        first = self._plan()
        if not first[1]:
            return first
        # What the source has beside libpython stands before the host's libraries, which its modules may have found.
        self._bundled_first = True
        second = self._plan()
        return second if len(second[1]) < len(first[1]) else first

    def _plan(self) -> tuple[dict[str, SearchPathChange], list[Misplaced]]:
        self._misplaced.clear()
        for path in dict.fromkeys((*reversed(self._carriers), *self._files)):
            self._decide(path)
        left = self._mend()
        while left is None:
            left = self._mend()
        return {path: change for path, change in self._changes.items() if change is not None}, left

    def _mend(self) -> list[Misplaced] | None:
        """Give a path to each requester that does not find what it should; None where that changed anything, else what is left."""
        changed = False
        left: dict[Misplaced, None] = {}
        for wrong in self._lockstep.misplaced(self._planned.__getitem__):
            path = wrong[0].file
            known = self._misplaced.setdefault(path, {})
            before = len(known)
            known.update((os.path.basename(item.name), None) for item in wrong)
            if len(known) > before:
                changed = True
                self._decide(path)
            left.update((item, None) for item in wrong)
        return None if changed else list(left)

    def _decide(self, path: str) -> None:
        """Decide on one file, from what is known by now."""
        file = self._files[path]
        before = LoadedObject.from_image(NOWHERE.place(path), file.image)
        change = self._changes[path] = self._change(file, before)
        if change is None:
            self._planned[path] = PlannedObject(before, {})
        else:
            rpath = tuple(entry for entry in change.rpath.split(":") if entry)
            after = LoadedObject(before.path, rpath, None, before.no_default_libraries)
            self._planned[path] = PlannedObject(after, change.needed)

    def _change(self, file: ElfFile, before: LoadedObject) -> SearchPathChange | None:
        needs = self._needs.get(file.path, {})
        renamed = {name: self._new_name(name, place, file) for name, place in needs.items() if name.startswith("/")}
        entries = before.rpath if before.runpath is None else before.runpath
        kept = [form for entry in entries if (form := self._kept(entry, before)) is not None]
        reasons = []
        vital = True
        own = self._bundle.own_libc
        started_by_own = own is not None and own.starts(file)
        if started_by_own or any(self._is_former_libc(entry, before) for entry in entries):
            reasons.append("finds the libc of the loader that starts it")
        if own is not None and before.runpath is not None and not own.names.isdisjoint(file.image.needed):
            reasons.append("its RUNPATH would cut it off from the bundle's libc")
        if renamed:
            reasons.append("names a library by an absolute path")
        if misplaced := self._misplaced.get(file.path):
            reasons.append("would not find " + ", ".join(misplaced))
        if needs and before.runpath is not None and self._loader.rpath_beats_library_path:
            reasons.append("its RUNPATH would let LD_LIBRARY_PATH win")
        searched = {name: place for name, place in needs.items() if "/" not in renamed.get(name, name)}
        wanted = self._wanted(file, before, searched)
        if self._carries_paths(file) and wanted != list(entries):
            reasons.append("carries the search path for the whole bundle")
        if list(dict.fromkeys(kept)) != list(entries):
            vital = bool(reasons)
            reasons.append("its search path leads out of the bundle")
        if not reasons:
            return None
        own_rpath = ":".join([*wanted, _origin(self._bundle.scheme.libc, before.path)]) if started_by_own else None
        return SearchPathChange(":".join(wanted), own_rpath, renamed, "; ".join(reasons), vital)

    def _new_name(self, name: str, place: str, file: ElfFile) -> str:
        """What an absolute NEEDED becomes: its file's name, if that is no other file's; else the way there from the file itself.

        A way has no versions: glibc looks for the name in their record among the names of what is loaded, and does not
        replace `$ORIGIN` in it.
        """
        short = os.path.basename(name)
        meanings = self._named.get(short, {})
        if meanings.keys() <= {self._bundle.view.followed(place)} or name in self._bundle.versioned(file):
            return short
        return f"{_origin(os.path.dirname(place), NOWHERE.place(file.path))}/{short}"

    def _carries_paths(self, file: ElfFile) -> bool:
        """The interpreter, whose DT_RPATH the others inherit, and programs that embed it; libpython, for what it needs itself."""
        scheme = self._bundle.scheme
        if file.path == scheme.executable or scheme.is_libpython(file.path):
            return True
        embeds = self._bundle.libpython in self._needs.get(file.path, {}).values()
        return embeds and file.is_program

    def _kept(self, entry: str, file: LoadedObject) -> str | None:
        """An element of a search path that leads to a folder of the bundle, made relative; None for others."""
        inside = self._inside(entry, file)
        if inside is None or self._is_former_libc(entry, file):
            return None
        return entry if entry.startswith("$ORIGIN") else _origin(inside, file.path)

    def _is_former_libc(self, entry: str, file: LoadedObject) -> bool:
        """Whether an element leads to the libc of a bundle that is packed again: which one counts now is told anew."""
        return self._inside(entry, file) == self._bundle.scheme.libc

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

    def _wanted(self, file: ElfFile, before: LoadedObject, needs: Mapping[str, str]) -> list[str]:
        """The whole search path of a file: what its own path led to, in its order, and the folders of all that it needs."""
        scheme, directories = self._bundle.scheme, self._bundle.directories
        needed = [os.path.dirname(place) for place in needs.values()]
        if self._carries_paths(file):
            for_all = [scheme.libraries, *([scheme.bundled] if scheme.bundled in directories else [])]
            needed = [*(reversed(for_all) if self._bundled_first else for_all), *needed]
        forms: dict[str, str] = {}
        for entry in before.rpath if before.runpath is None else before.runpath:
            inside = self._inside(entry, before)
            if inside is not None and (form := self._kept(entry, before)) is not None:
                forms.setdefault(inside, form)
            for folder in self._led_to(entry, file):
                # What lies where everybody looks at last needs no mention, and would stand before other folders.
                if folder != scheme.bundled and (folder in needed or before.runpath is None):
                    forms.setdefault(folder, _origin(folder, before.path))
        for folder in needed:
            forms.setdefault(folder, _origin(folder, before.path))
        return [forms[folder] for folder in in_right_order(list(forms), needs, self._holds)]

    def _led_to(self, entry: str, file: ElfFile) -> Iterable[str]:
        """The folders of the bundle that libraries were moved to which the source found by an element of a search path."""
        source = LoadedObject(file.source)
        for place in self._loader.expand(entry, source, self._bundle.view, self._system):
            yield from self._moved.get(place, ())

    def _holds(self, folder: str, name: str) -> bool:
        return self._bundle.view.is_library(f"{NOWHERE.place(folder)}/{name}")


def _origin(folder: str, path: str) -> str:
    """`$ORIGIN` and the way from the file at `path` (below `NOWHERE`) to `folder`, a bundle path."""
    way = relative(folder, os.path.dirname(NOWHERE.inside(path) or ""))
    return "$ORIGIN" if way == "." else f"$ORIGIN/{way}"


def _single_answers(closure: Closure, view: PlannedView) -> dict[str, dict[str, str]]:
    """What each file asks for, by name, and where it is found: where that is the same for every chain of requesters."""
    answers: dict[str, dict[str, dict[str | None, str]]] = {}
    for state, locations in closure.locations.items():
        known = answers.setdefault(closure.paths[state.file], {})
        for name, location in locations.items():
            if isinstance(location, InBundle):
                known.setdefault(name, {}).setdefault(view.followed(location.path), location.path)
    return {
        path: {name: next(iter(places.values())) for name, places in each.items() if len(places) == 1}
        for path, each in answers.items()
    }


def _meanings(closure: Closure, view: PlannedView) -> dict[str, dict[str | None, None]]:
    """The files that each name may mean in a process: those that have it, and those that are found by it."""
    meanings: dict[str, dict[str | None, None]] = {}
    for state, locations in closure.locations.items():
        if (soname := closure.sonames[state.file]) is not None:
            meanings.setdefault(soname, {})[view.followed(closure.paths[state.file])] = None
        for name, location in locations.items():
            if isinstance(location, InBundle):
                meanings.setdefault(os.path.basename(name), {})[view.followed(location.path)] = None
    return meanings


def _moved_folders(closure: Closure) -> dict[str, dict[str, None]]:
    """The folders of the bundle to which libraries of a folder of the source were moved, that a search path had led to."""
    moved: dict[str, dict[str, None]] = {}
    for state, steps in closure.chains.steps.items():
        for name, step in steps.items():
            location = closure.locations[state].get(name)
            if step.found is not None and step.found.via in (Via.RPATH, Via.RUNPATH) and isinstance(location, InBundle):
                folder = os.path.dirname(step.found.path)
                moved.setdefault(folder, {})[os.path.dirname(location.path)] = None
    return moved
