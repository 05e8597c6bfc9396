"""The closure: every shared library that a set of ELF files needs, and where the source's loader finds it.

Flow: the files that a process begins with -> `searches` (what the source's loader finds, for every chain of requesters; files are
read, never run) -> places in the bundle -> facts. A library of the host that is found without a search path is seen by
everybody, and gets its name in the folder of bundled libraries; one that only some requesters see goes there where the name is
free, else into a numbered folder below it. What is found nowhere is a fact about the source, not an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bundler.binaries.elf import Image
from bundler.systems.libraries import (
    BundledLibrary,
    Clash,
    FreeNames,
    InBundle,
    LibraryFacts,
    Location,
    Missing,
    OnHost,
    Preloaded,
)
from bundler.systems.linux.chains import Chains, State, Step, Steps
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.loader import Via
from bundler.systems.linux.searches import ClosureContext, Searches

__all__ = ["Closure", "ClosureContext", "ElfFile", "find_closure"]

# What leads to a library that every requester finds.
_SEEN_BY_ALL = (Via.LIBRARY_PATH, Via.CACHE, Via.DEFAULT)


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything found: the facts for the plan, and what the choice of search paths needs beside them."""

    facts: LibraryFacts
    images: Mapping[str, Image]
    """The headers of the bundled libraries, by bundle path."""
    chains: Chains
    """Every search of the source's loader."""
    paths: Mapping[str, str]
    """The bundle path of each file, by its key in `chains`."""
    sonames: Mapping[str, str | None]
    """The name that each file has for itself, by its key."""
    locations: Mapping[State, Mapping[str, Location]]
    """Where each search leads; names that a file may open are among them where they are found, those it needs always."""
    clashes: tuple[Clash, ...]


def find_closure(binaries: Iterable[ElfFile], executable: ElfFile, context: ClosureContext) -> Closure:
    """The closure of `binaries`, which include the interpreter.

    Raises LookupError for a name or path in `context.included` that is no library.
    """
    searches = Searches(binaries, executable, context)
    chains = searches.follow()
    steps = chains.steps
    places = _Places(searches, FreeNames(context.bundled_folder))
    places.take(steps)
    locations = {state: dict(_locations(state, found, searches, places)) for state, found in steps.items()}
    bundled = sorted(places.taken.values(), key=lambda item: item.path)
    return Closure(
        LibraryFacts(
            tuple(
                BundledLibrary(item.path, item.source, tuple(sorted(item.aliases)), tuple(item.needed_by))
                for item in bundled
            ),
            _needs(steps, locations, searches, places),
            tuple(sorted({*searches.left_to_host, *context.excluded})),
        ),
        {item.path: searches.images[item.source] for item in bundled},
        chains,
        {state.file: places.path(state.file) for state in steps},
        {state.file: searches.images[state.file].soname for state in steps},
        locations,
        tuple(places.clashes),
    )


@dataclass(slots=True)
class _Bundled:
    path: str
    source: str
    aliases: dict[str, None] = field(default_factory=dict)
    needed_by: dict[str, None] = field(default_factory=dict)


class _Places:
    """Where libraries of the host go in the bundle."""

    def __init__(self, searches: Searches, names: FreeNames) -> None:
        self._searches = searches
        self._names = names
        self._names.taken.update(searches.named_in(names.folder))
        self._by_name: dict[tuple[str, str], str] = {}
        self.taken: dict[str, _Bundled] = {}
        self.clashes: dict[Clash, None] = {}

    def take(self, steps: Steps) -> None:
        """Give each library of the host that is found its place, those first that everybody sees."""
        found = [
            (os.path.basename(name), step.file, step.found.via in _SEEN_BY_ALL)
            for each in steps.values()
            for name, step in each.items()
            if step.file is not None and step.found is not None and not self._searches.is_taken(step.file)
        ]
        for name, source, _ in sorted(found, key=lambda item: not item[2]):
            self._place(name, source)
        for name, source in self._searches.included:
            if not self._searches.is_taken(source):
                self._place(name, source).needed_by[self._searches.executable] = None
        for state, each in steps.items():
            needed = self._searches.needed(state)
            for name in needed:
                if name in each and (item := self.taken.get(each[name].file or "")) is not None:
                    item.needed_by[self.path(state.file)] = None

    def path(self, file: str) -> str:
        """The bundle path of a file by its key."""
        return file if self._searches.is_taken(file) else self.taken[file].path

    def named(self, name: str, file: str) -> str:
        """The bundle path at which a library of the host has a name."""
        return self._by_name[os.path.basename(name), file]

    def _place(self, name: str, source: str) -> _Bundled:
        """Give a library its place; the same file under a second name becomes an alias."""
        item = self.taken.get(source)
        if item is None:
            soname = os.path.basename(self._searches.images[source].soname or name)
            item = self.taken[source] = _Bundled(f"{self._free_folder((soname, name), source)}/{soname}", source)
            self._names.taken[item.path] = source
        place = f"{os.path.dirname(item.path)}/{name}"
        if self._names.taken.get(place, source) != source:
            place = f"{self._free_folder((name,), source)}/{name}"
        self._names.taken[place] = source
        self._by_name.setdefault((name, source), place)
        if place != item.path:
            item.aliases[place] = None
        return item

    def _free_folder(self, names: tuple[str, ...], source: str) -> str:
        """Where no other file has one of these names; that there was one is noted."""
        folder, other = self._names.folder_for(names, source)
        if other is not None:
            self.clashes[Clash(names[-1], other, source)] = None
        return folder


def _locations(
    state: State, found: Mapping[str, Step], searches: Searches, places: _Places
) -> Iterator[tuple[str, Location]]:
    """Where the searches of one state lead."""
    needed = searches.needed(state)
    for name, step in found.items():
        if step.found is not None and step.file is not None:
            inside = searches.inside(step.found.path)
            yield name, InBundle(inside if inside is not None else places.named(name, step.file))
        elif searches.is_hosts(name) and name in needed:
            yield name, OnHost()
        elif name in needed and not searches.is_implied(name, state):
            yield name, Missing()


def _needs(
    steps: Steps, locations: Mapping[State, Mapping[str, Location]], searches: Searches, places: _Places
) -> dict[str, dict[str, Location]]:
    """What each file needs: where the first state that finds it does; else it is missing, or its package loads it beforehand."""
    needs: dict[str, dict[str, Location]] = {}
    for state in steps:
        known = needs.setdefault(places.path(state.file), {})
        for name in searches.needed(state):
            location = locations[state].get(name)
            if location is not None and isinstance(known.get(name, Missing()), Missing):
                known[name] = location
    by_name = searches.names_of_roots()
    for each in needs.values():
        for name, location in each.items():
            if isinstance(location, Missing) and os.path.basename(name) in by_name:
                each[name] = Preloaded(by_name[os.path.basename(name)])
    return needs
