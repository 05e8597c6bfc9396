"""What becomes of the libraries that files say they open at run time (`.note.dlopen`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bundler.binaries.elf.dlopen_notes import DlopenEntry, Priority
from bundler.machine import os
from bundler.systems.libraries import BundledLibrary, InBundle, Location, NotedLibrary, Outcome
from bundler.systems.linux.chains import State
from bundler.systems.linux.searches import Searches

_Locations = Mapping[State, Mapping[str, Location]]


def noted_libraries(
    searches: Searches, paths: Mapping[str, str], locations: _Locations, bundled: Collection[BundledLibrary]
) -> Iterator[NotedLibrary]:
    """All of them, in the order of the files' bundle paths: `paths`, by their keys.

    `locations` tells where each search of the source leads, `bundled` what comes along from the host.
    """
    by_name = {os.path.basename(path): library.path for library in bundled for path in (library.path, *library.aliases)}
    states: dict[str, list[State]] = {}
    for state in locations:
        if searches.entries(state.file):
            states.setdefault(state.file, []).append(state)
    for file in sorted(states, key=paths.__getitem__):
        for entry in searches.entries(file):
            outcome, library = _outcome(entry, states[file], searches, locations, by_name)
            yield NotedLibrary(paths[file], entry.sonames, entry.priority.value, entry.feature, outcome, library)


def _outcome(
    entry: DlopenEntry,
    states: Collection[State],
    searches: Searches,
    locations: _Locations,
    bundled: Mapping[str, str],
) -> tuple[Outcome, str | None]:
    """What becomes of the first of the entry's libraries that some state finds, or that is the host's."""
    for name in entry.sonames:
        if searches.is_hosts(name):
            return Outcome.HOST, None
        for state in states:
            location = locations[state].get(name)
            if isinstance(location, InBundle):
                return Outcome.BUNDLED, location.path
        if entry.priority is Priority.SUGGESTED:
            if name in bundled:
                return Outcome.BUNDLED, bundled[name]
            found = next(filter(None, (searches.find(name, state) for state in states)), None)
            if found is not None:
                return (Outcome.BUNDLED, found) if searches.is_taken(found) else (Outcome.LEFT_OUT, None)
    return Outcome.MISSING, None
