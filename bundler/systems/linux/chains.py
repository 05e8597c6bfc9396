"""Every chain of requesters that can bring a file into a process, as far as its searches depend on it.

A loader looks for a name in the directories of the requester and in those that the requester's own loaders pass on. So one
file may find another library in each process, and another one for each file that brings it. A `State` is a file with all
that its searches depend on; `follow` finds every state that can be, from the files that a process begins with.

What is opened by `dlopen` begins a chain: glibc asks the caller's loaders for the library itself (musl does not), and forgets them
for what that needs (`_dl_map_object`, __RTLD_CALLMAP); only the main program's directories are always asked. So libpython passes
nothing on to modules.

What a process has loaded already answers before anything is searched: to the name that it was asked for by, and (glibc) to its
DT_SONAME. Of other imports that needs no playing. Two sets of files in which every search, in every state, finds files
that correspond, and which have the same names, load the same files for the same imports in the same order, whatever the
order is. So it is enough to compare states. But a search that the state itself answers is none: by the file, by those that
brought it, and by all that these need, for glibc maps what a file needs before what that needs (`_dl_map_object_deps`).
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bundler.systems.linux.loader import Around, Found


class Start(enum.Enum):
    """How the first file of a chain comes into its process."""

    PYTHON = "Python opens it, or is it"
    OPENED = "others bring it, but anybody may open it by its path"
    PROGRAM = "the kernel starts it"


class Process(NamedTuple):
    """A kind of process."""

    start: Start
    program: str
    """The main program's key."""
    passed_on: tuple[str, ...] = ()
    """The directories that the main program passes on to everything."""
    library_path: tuple[str, ...] = ()
    """The directories of LD_LIBRARY_PATH."""


class State(NamedTuple):
    """A file in a process."""

    file: str
    """The file's key: two states of one file have the same."""
    found: str
    """The absolute path by which it was found: its directory is $ORIGIN."""
    inherited: tuple[str, ...]
    """The directories that are passed on to it and that have something which is asked for, the nearest first."""
    process: Process
    present: tuple[tuple[str, str], ...] = ()
    """Names that mean several files, and the key of the one that has it and is certainly loaded before."""

    @property
    def around(self) -> Around:
        """What its searches depend on beside itself."""
        return Around(self.inherited, self.process.library_path)


class Step(NamedTuple):
    """The search for one name in one state: what was found, the key of that file, and the state that it is in."""

    found: Found | None
    """None, too, where nothing is searched: the file answers that is loaded already."""
    file: str | None = None
    """None for what is not found, or not followed."""
    opened: bool = False
    """Whether it is found by `dlopen`: the chain of loaders begins anew with it."""
    next: State | None = None


Steps = Mapping[State, Mapping[str, Step]]


class Chains(NamedTuple):
    """All that can be: the states that processes begin with, and every search, by state in the order of the search."""

    roots: tuple[State, ...]
    steps: Steps


class Searcher(Protocol):
    """What `follow` asks about files."""

    def names(self, state: State) -> Iterable[str]:
        """The names that the file asks for, those first that it needs."""

    def look(self, name: str, state: State) -> Step:
        """The search for a name, without the state that follows."""

    def opened(self, file: str, found: Found) -> State | None:
        """The state of a file that was found, if anybody may open it: then it begins a chain of its own."""

    def answers_to(self, file: str) -> str | None:
        """The name to which a file answers once it is loaded, by whichever name it was found; None for no further one."""

    def passed_on(self, state: State) -> tuple[str, ...]:
        """The directories that the file adds for what it brings along."""

    def asks_around(self, state: State) -> bool:
        """Whether inherited directories are searched for what the file needs itself."""

    def holds(self, directory: str, name: str) -> bool:
        """Whether a directory has a library of that name."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides which states are told apart. It is known after a search only."""

    asked: Mapping[str, frozenset[str]]
    """The names that a file, and what it brings, looks for in directories that it inherits, by key."""
    below: Mapping[str, frozenset[str]]
    """All names that a file, and what it brings, asks for."""
    doubtful: frozenset[str]
    """Names that mean several files."""


def follow(roots: Iterable[State], searcher: Searcher) -> Chains:
    """All that can be from `roots` on: root by root, each breadth first.

    States that differ only in what nothing below them asks for are one; so the search is repeated until that is known.
    """
    known = _Known({}, {}, frozenset())
    begun = tuple(roots)
    while True:
        chains = _explore(begun, searcher, known)
        found = _Known(
            _more(known.asked, _asked(chains.steps, searcher)),
            _more(known.below, names_below(chains.steps)),
            known.doubtful | _doubtful(chains.steps, searcher),
        )
        if found == known:
            return chains
        known = found


def names_below(steps: Steps) -> dict[str, set[str]]:
    """All names that each file, and what it brings, asks for, wherever they are found."""
    names: dict[str, set[str]] = {}
    brought: dict[tuple[str, str], None] = {}
    for state, found in steps.items():
        names.setdefault(state.file, set()).update(found)
        brought.update(
            ((state.file, step.file), None) for step in found.values() if step.next is not None and step.file
        )
    grown = True
    while grown:
        grown = False
        for requester, file in brought:
            before = len(names[requester])
            names[requester] |= names[file]
            grown = grown or len(names[requester]) > before
    return names


def _explore(roots: Iterable[State], searcher: Searcher, known: _Known) -> Chains:
    begun: dict[State, None] = {}
    also: set[State] = set()
    steps: dict[State, dict[str, Step]] = {}

    def useful(directories: Iterable[str], file: str) -> tuple[str, ...]:
        names = known.asked.get(file, frozenset())
        each = dict.fromkeys(directories)
        return tuple(folder for folder in each if any(searcher.holds(folder, name) for name in names))

    left = deque(roots)
    while left:
        root = left.popleft()
        queue = deque([root._replace(inherited=useful(root.inherited, root.file))])
        begun[queue[0]] = None
        while queue:
            state = queue.popleft()
            if state in steps:
                continue
            found = steps[state] = {}
            present = dict(state.present)
            if (soname := searcher.answers_to(state.file)) is not None:
                present.setdefault(soname, state.file)
            for name in searcher.names(state):
                if name in present and name in known.doubtful:
                    found[name] = Step(None, present[name])
                    continue
                step = found[name] = searcher.look(name, state)
                if step.file is not None and not step.opened:
                    present.setdefault(name, step.file)
                    if name not in known.doubtful:  # else another file may answer to it, which has another soname
                        present.setdefault(searcher.answers_to(step.file) or name, step.file)
            onward = (*searcher.passed_on(state), *state.inherited)
            for name, step in found.items():
                if step.found is not None and step.file is not None:
                    inherited = state.process.passed_on if step.opened else onward
                    below = known.below.get(step.file, frozenset()) & known.doubtful
                    following = State(
                        step.file,
                        step.found.path,
                        useful(inherited, step.file),
                        state.process,
                        tuple(sorted((name, file) for name, file in present.items() if name in below)),
                    )
                    found[name] = step._replace(next=following)
                    queue.append(following)
                    if (opened := searcher.opened(step.file, step.found)) is not None and opened not in also:
                        also.add(opened)
                        left.append(opened)
    return Chains(tuple(begun), steps)


def _more(known: Mapping[str, frozenset[str]], found: Mapping[str, set[str]]) -> Mapping[str, frozenset[str]]:
    """What is known, with more names."""
    new = {file: names for file, names in found.items() if not names <= known.get(file, frozenset())}
    return {**known, **{file: known.get(file, frozenset()) | names for file, names in new.items()}}


def _doubtful(steps: Steps, searcher: Searcher) -> set[str]:
    """The names by which several files are found, or which several have."""
    meanings: dict[str, set[str]] = {}
    for state, found in steps.items():
        if (soname := searcher.answers_to(state.file)) is not None:
            meanings.setdefault(soname, set()).add(state.file)
        for name, step in found.items():
            if step.file is not None:
                meanings.setdefault(name, set()).add(step.file)
    return {name for name, files in meanings.items() if len(files) > 1}


def _asked(steps: Steps, searcher: Searcher) -> dict[str, set[str]]:
    """The names that each file, and what it brings, looks for in directories that it inherits."""
    asked: dict[str, set[str]] = {}
    brought: dict[tuple[str, tuple[str, ...], str], None] = {}
    for state, found in steps.items():
        own = searcher.passed_on(state)
        names = asked.setdefault(state.file, set())
        if searcher.asks_around(state):
            names.update(name for name in found if not any(searcher.holds(folder, name) for folder in own))
        for step in found.values():
            if step.next is not None and step.file is not None and not step.opened:
                brought[state.file, own, step.file] = None
    grown = True
    while grown:
        grown = False
        for requester, own, file in brought:
            names = asked[requester]
            before = len(names)
            names.update(
                name for name in asked[file] - names if not any(searcher.holds(folder, name) for folder in own)
            )
            grown = grown or len(names) > before
    return asked
