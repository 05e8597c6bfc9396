"""The closure: every shared library that a set of ELF files needs, and where the source's loader finds it.

Flow: the files that a process begins with -> `searches` (what the source's loader finds, for every chain of requesters; files are
read, never run) -> places in the bundle -> facts. A library of the host that is found without a search path is seen by
everybody, and gets its name in the folder of bundled libraries; one that only some requesters see goes there where the name is
free, else into a numbered folder below it. What is found nowhere is a fact about the source, not an error.
"""

from __future__ import annotations

import itertools
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
from bundler.systems.linux.searches import SEEN_BY_ALL, ClosureContext, Searches

__all__ = ["Closure", "ClosureContext", "ElfFile", "find_closure"]


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
        self._meanings: dict[str, set[str]] = {}
        """The keys of the files that are found by each name."""
        self.taken: dict[str, _Bundled] = {}
        self.clashes: dict[Clash, None] = {}

    def take(self, steps: Steps) -> None:
        """Give each library of the host that is found its place, those first that everybody sees."""
        seen: dict[tuple[str, str], None] = {}
        others: dict[tuple[str, str], None] = {}
        for each in steps.values():
            for name, step in each.items():
                if step.file is not None and step.found is not None:
                    asked = (os.path.basename(name), step.file)
                    self._meanings.setdefault(asked[0], set()).add(step.file)
                    if not self._searches.is_taken(step.file):
                        (seen if step.found.via in SEEN_BY_ALL else others)[asked] = None
        for asked in seen:
            self._place(*asked, for_all=True)
        for asked in others:
            self._place(*asked, for_all=False)
        for name, source in self._searches.included:
            if not self._searches.is_taken(source):
                self._place(name, source, for_all=True).needed_by[self._searches.executable] = None
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

    def _place(self, name: str, source: str, *, for_all: bool) -> _Bundled:
        """Give a library its place; the same file under a second name becomes an alias."""
        item = self.taken.get(source)
        if item is None:
            soname = os.path.basename(self._searches.images[source].soname or name)
            folder = self._free_folder((soname, name), source, for_all=for_all)
            # In a numbered folder it has those names only that lead there: others may mean another file.
            own = soname if folder == self._names.folder else name
            item = self.taken[source] = _Bundled(f"{folder}/{own}", source)
            self._names.taken[item.path] = source
        place = f"{os.path.dirname(item.path)}/{name}"
        in_sight = os.path.dirname(place) == self._names.folder
        if self._names.taken.get(place, source) != source or (
            in_sight and not for_all and self._is_doubtful(name, source)
        ):
            place = f"{self._free_folder((name,), source, for_all=for_all)}/{name}"
        self._names.taken[place] = source
        self._by_name.setdefault((name, source), place)
        if place != item.path:
            item.aliases[place] = None
        return item

    def _is_doubtful(self, name: str, source: str) -> bool:
        """Whether some requester finds another file by a name."""
        return not self._meanings.get(name, set()) <= {source}

    def _free_folder(self, names: tuple[str, ...], source: str, *, for_all: bool) -> str:
        """Where no other file has one of these names; that there was one is noted."""
        folder, other = self._names.folder_for(names, source)
        if folder != self._names.folder:
            folder = self._numbered(names[-1:], source)
        elif not for_all and any(self._is_doubtful(name, source) for name in names):
            folder = self._numbered(names[-1:], source)
            others = {file for name in names for file in self._meanings.get(name, set())} - {source}
            other = next((file for file in self.taken if file in others), None)
        if other is not None and Clash(names[-1], source, other) not in self.clashes:
            self.clashes[Clash(names[-1], other, source)] = None
        return folder

    def _numbered(self, names: tuple[str, ...], source: str) -> str:
        """The first numbered folder in which these names are free."""
        for number in itertools.count(2):
            folder = f"{self._names.folder}/{number}"
            if all(self._names.taken.get(f"{folder}/{name}", source) == source for name in names):
                return folder
        raise AssertionError("numbers do not end")


def _locations(
    state: State, found: Mapping[str, Step], searches: Searches, places: _Places
) -> Iterator[tuple[str, Location]]:
    """Where the searches of one state lead; a name that is answered without one is left out."""
    needed = searches.needed(state)
    for name, step in found.items():
        if step.found is not None and step.file is not None:
            inside = searches.inside(step.found.path)
            yield name, InBundle(inside if inside is not None else places.named(name, step.file))
        elif step.file is None and name in needed:
            if searches.is_hosts(name):
                yield name, OnHost()
            elif not searches.is_implied(name, state):
                yield name, Missing()


def _needs(
    steps: Steps, locations: Mapping[State, Mapping[str, Location]], searches: Searches, places: _Places
) -> dict[str, dict[str, Location]]:
    """What each file needs: where the first state that finds it does; else it is missing, or its package loads it beforehand."""
    needs: dict[str, dict[str, Location]] = {}
    for state, found in steps.items():
        known = needs.setdefault(places.path(state.file), {})
        for name in searches.needed(state):
            location = locations[state].get(name)
            answering = found[name].file
            if location is None and answering is not None:
                location = InBundle(places.path(answering))
            if location is not None and isinstance(known.get(name, Missing()), Missing):
                known[name] = location
    by_name = searches.names_of_roots()
    for each in needs.values():
        for name, location in each.items():
            if isinstance(location, Missing) and os.path.basename(name) in by_name:
                each[name] = Preloaded(by_name[os.path.basename(name)])
    return needs
