"""The loader, played on the bundle that is planned, in step with the one of the source: does each search find the right file?

For each state of the source (`systems.linux.chains`) there is one in the bundle: the file at its new place, with the
directories that its loaders pass on there. Each name that is asked for in both must lead to files that correspond, from a
directory of a DT_RPATH: else LD_LIBRARY_PATH, or the host, has a say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from bundler.bundle_paths import NOWHERE, follow
from bundler.machine import os
from bundler.systems.libraries import InBundle
from bundler.systems.linux.chains import State, names_below
from bundler.systems.linux.closure import Closure
from bundler.systems.linux.loader import NOBODY, Around, LoadedObject, Loader, LoaderView, SystemLibraries


class PlannedView:
    """What a loader would see: the bundle's ELF files below `NOWHERE`, the host's files elsewhere. See `loader.LoaderView`."""

    def __init__(self, libraries: Iterable[str], links: Mapping[str, str], host: LoaderView) -> None:
        """`libraries` are bundle paths of ELF files, `links` are targets, as written, by the bundle path of a link."""
        self._libraries = frozenset(libraries)
        self._links = links
        self._host = host
        self._known: dict[str, bool] = {}

    def is_library(self, path: str) -> bool:
        """Whether `path` is a library of the bundle, by itself or through links, or one of the host."""
        inside = NOWHERE.inside(path)
        if inside is None:
            return self._host.is_library(path)
        known = self._known.get(inside)
        if known is None:
            known = self._known[inside] = self.followed(inside) in self._libraries
        return known

    def is_there(self, path: str) -> bool:
        """In the bundle, a library: nobody looks there for anything else."""
        return self.is_library(path) if NOWHERE.holds(path) else self._host.is_there(path)

    def normal(self, path: str) -> str:
        """In the bundle by the names alone: its own folders are no links that `..` could stand behind."""
        return os.path.normpath(path) if NOWHERE.holds(path) else self._host.normal(path)

    def followed(self, path: str) -> str | None:
        """The bundle path behind the links of a bundle path; None where it leads out or in a circle."""
        return follow(path, self._links)


class Misplaced(NamedTuple):
    """A search of the bundle that does not find what it should."""

    file: str
    """The bundle path of the requester."""
    name: str
    right: str
    """The bundle path of the right file."""
    found: str | None
    """The bundle path, or the path on the host, that is found instead."""


class _Pair(NamedTuple):
    """A state of the source and what it is in the bundle: by which path (below `NOWHERE`) it is found, what it inherits."""

    state: State
    found: str
    inherited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """A file of the bundle as it will be: what the loader sees of it, and the new names of NEEDEDs by the old ones."""

    loaded: LoadedObject
    renamed: Mapping[str, str]


class Lockstep:
    """Compares the searches of a bundle with those of its source."""

    def __init__(
        self,
        closure: Closure,
        executable: str,
        view: PlannedView,
        loader: Loader,
        system: SystemLibraries,
    ) -> None:
        self._closure = closure
        self._executable = executable
        self._view = view
        self._loader = loader
        self._system = system
        self._below = names_below(closure.chains.steps)

    def misplaced(self, planned: Callable[[str], PlannedObject]) -> Iterator[list[Misplaced]]:
        """What each requester would not find, requesters before what they bring along.

        `planned` gives a file by its bundle path. It is asked again after a list was given: what was changed
        in the meantime counts for what follows.
        """
        done: set[_Pair] = set()
        for root in self._closure.chains.roots:
            queue = deque([self._root(root, planned)])
            while queue:
                pair = queue.popleft()
                if pair in done:
                    continue
                done.add(pair)
                wrong, right = self._search(pair, planned)
                if wrong:
                    yield wrong
                    right = self._search(pair, planned)[1]
                queue.extend(self._following(pair, right, planned))

    def _root(self, state: State, planned: Callable[[str], PlannedObject]) -> _Pair:
        path = self._closure.paths[state.file]
        begins = path in (self._executable, self._closure.paths[state.process.program])
        inherited = () if begins else self._program_passes_on(state, planned)
        return _Pair(state, NOWHERE.place(path), self._useful(inherited, state.file))

    def _program_passes_on(self, state: State, planned: Callable[[str], PlannedObject]) -> tuple[str, ...]:
        """The directories of the main program, which everything in its process inherits."""
        return self._passed_on(planned(self._closure.paths[state.process.program]).loaded)

    def _search(self, pair: _Pair, planned: Callable[[str], PlannedObject]) -> tuple[list[Misplaced], dict[str, str]]:
        """What is not found where it should be; and where the rest is found, by name."""
        path = self._closure.paths[pair.state.file]
        now = planned(path)
        requester = replace(now.loaded, path=pair.found)
        steps = self._closure.chains.steps[pair.state]
        wrong, right = [], {}
        for name, location in self._closure.locations[pair.state].items():
            if not isinstance(location, InBundle):
                continue
            asked = now.renamed.get(name, name)
            if steps[name].opened and not self._loader.dlopen_asks_caller:
                around = Around(self._program_passes_on(pair.state, planned))
                found = self._loader.resolve(asked, NOBODY, around, self._view, self._system)
            else:
                found = self._loader.resolve(asked, requester, Around(pair.inherited), self._view, self._system)
            inside = NOWHERE.inside(found.path) if found is not None else None
            if found is not None and inside is not None and self._same(inside, location.path):
                right[name] = found.path
            else:
                instead = inside if inside is not None else found.path if found is not None else None
                wrong.append(Misplaced(path, name, location.path, instead))
        return wrong, right

    def _same(self, one: str, other: str) -> bool:
        place = self._view.followed(one)
        return place is not None and place == self._view.followed(other)

    def _following(
        self, pair: _Pair, right: Mapping[str, str], planned: Callable[[str], PlannedObject]
    ) -> Iterator[_Pair]:
        """The states that follow, as if all was found where it should be; `right` says where it is, by name."""
        path = self._closure.paths[pair.state.file]
        own = self._passed_on(replace(planned(path).loaded, path=pair.found))
        for name, step in self._closure.chains.steps[pair.state].items():
            location = self._closure.locations[pair.state].get(name)
            if step.next is not None and isinstance(location, InBundle):
                found = right.get(name) or NOWHERE.place(location.path)
                inherited = self._program_passes_on(pair.state, planned) if step.opened else (*own, *pair.inherited)
                yield _Pair(step.next, found, self._useful(inherited, step.next.file))

    def _passed_on(self, loaded: LoadedObject) -> tuple[str, ...]:
        return self._loader.passed_on(loaded, self._view, self._system)

    def _useful(self, directories: Iterable[str], file: str) -> tuple[str, ...]:
        """The directories that have anything that is asked for."""
        names = self._below[file]
        return tuple(
            folder
            for folder in dict.fromkeys(directories)
            if any(self._view.is_library(f"{folder}/{name}") for name in names)
        )
