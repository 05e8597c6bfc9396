"""The closure: every shared library that a set of ELF files needs, and where the source's loader finds it.

Flow: the files that a process begins with -> `searches` (what the source's loader finds, for every chain of requesters; files
are read, never run) -> `library_places` in the bundle -> facts. What is found nowhere is a fact about the source, no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bundler.binaries.elf import Image
from bundler.machine import os
from bundler.systems.libraries import (
    Clash,
    InBundle,
    LibraryFacts,
    Location,
    Missing,
    OnHost,
    Preloaded,
)
from bundler.systems.linux.chains import Chains, State, Step, Steps
from bundler.systems.linux.elf_files import ElfFile
from bundler.systems.linux.library_places import LibraryPlaces, Request
from bundler.systems.linux.noted import noted_libraries
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
    places = _places(chains.steps, searches, context.bundled_folder)
    paths = {
        state.file: state.file if searches.is_taken(state.file) else places.path(state.file) for state in chains.steps
    }
    locations = {state: dict(_locations(state, found, searches, places)) for state, found in chains.steps.items()}
    bundled = tuple(places.bundled(_needed_by(chains.steps, searches, paths)))
    return Closure(
        LibraryFacts(
            bundled,
            _needs(chains.steps, locations, searches, paths),
            tuple(sorted({*searches.left_to_host, *context.excluded})),
            tuple(noted_libraries(searches, paths, locations, bundled)),
        ),
        {library.path: searches.images[library.source] for library in bundled},
        chains,
        paths,
        {state.file: searches.soname(state.file) for state in chains.steps},
        locations,
        places.clashes,
    )


def _places(steps: Steps, searches: Searches, folder: str) -> LibraryPlaces:
    """The places of all libraries of the host that are found, those first that everybody sees."""
    places = LibraryPlaces(folder, searches.paths_in(folder))
    found: dict[Request, None] = {}
    for each in steps.values():
        for name, step in each.items():
            if step.file is not None and step.found is not None:
                short = os.path.basename(name)
                places.note(short, step.file)
                if not searches.is_taken(step.file):
                    at = os.path.dirname(step.found.path)
                    found[Request(short, step.file, at, step.found.via in SEEN_BY_ALL)] = None
    for request in sorted(found, key=lambda request: not request.for_all):
        places.place(request, searches.soname(request.file))
    for name, file, path in searches.included:
        if not searches.is_taken(file):
            places.place(Request(name, file, os.path.dirname(path), for_all=True), searches.soname(file))
    return places


def _needed_by(steps: Steps, searches: Searches, paths: Mapping[str, str]) -> dict[str, dict[str, None]]:
    """The bundle paths of those that need each file; for what nobody needs and comes along all the same, the interpreter's."""
    needed_by = {file: {searches.executable: None} for _, file, _ in searches.included}
    for state, each in steps.items():
        for name in (*searches.needed(state), *searches.noted(state.file)):
            if name in each and (file := each[name].file) is not None:
                needed_by.setdefault(file, {})[paths[state.file]] = None
    return needed_by


def _locations(
    state: State, found: Mapping[str, Step], searches: Searches, places: LibraryPlaces
) -> Iterator[tuple[str, Location]]:
    """Where the searches of one state lead; a name that is answered without one is left out."""
    needed = searches.needed(state)
    for name, step in found.items():
        if step.found is not None and step.file is not None:
            inside = searches.inside(step.found.path)
            if inside is None:
                folder, short = os.path.dirname(step.found.path), os.path.basename(name)
                inside = places.named(short, step.file, folder)
            yield name, InBundle(inside)
        elif step.file is None and name in needed:
            if searches.is_hosts(name):
                yield name, OnHost()
            elif not searches.is_implied(name, state):
                yield name, Missing()


def _needs(
    steps: Steps, locations: Mapping[State, Mapping[str, Location]], searches: Searches, paths: Mapping[str, str]
) -> dict[str, dict[str, Location]]:
    """What each file needs: where the first state that finds it does; else it is missing, or its package loads it beforehand."""
    needs: dict[str, dict[str, Location]] = {}
    for state, found in steps.items():
        known = needs.setdefault(paths[state.file], {})
        for name in searches.needed(state):
            location = locations[state].get(name)
            answering = found[name].file
            if location is None and answering is not None:
                location = InBundle(paths[answering])
            if location is not None and isinstance(known.get(name, Missing()), Missing):
                known[name] = location
    by_name = searches.names_of_roots()
    for each in needs.values():
        for name, location in each.items():
            if isinstance(location, Missing) and os.path.basename(name) in by_name:
                each[name] = Preloaded(by_name[os.path.basename(name)])
    return needs
