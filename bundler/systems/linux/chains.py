"""Every chain of requesters that can bring a file into a process, as far as its searches depend on it.

A loader looks for a name in the directories of the requester and in those that the requester's own loaders pass on. So one file
may find another library in each process, and another one for each file that brings it. A `State` is a file with all that its
searches depend on; `follow` finds every state that can be, from the files that a process begins with.

What is opened by `dlopen` begins a chain: glibc asks the caller's loaders for the library itself, and forgets them for what that
needs (`_dl_map_object`, __RTLD_CALLMAP); only the main program's directories are always asked. So libpython passes nothing on to modules.

What a process has loaded already answers before anything is searched: to the name that it was asked for by, and to its DT_SONAME.
That needs no playing. Two sets of files in which every search, in every state, finds files that correspond, and which have
the same names, load the same files for the same imports in the same order, whatever the order is. So it is enough to compare
states.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
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

    @property
    def around(self) -> Around:
        """What its searches depend on beside itself."""
        return Around(self.inherited, self.process.library_path)


class Step(NamedTuple):
    """The search for one name in one state: what was found, the key of that file, and the state that it is in."""

    found: Found | None
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
        """The names that the file asks for."""

    def look(self, name: str, state: State) -> Step:
        """The search for a name, without the state that follows."""

    def passed_on(self, state: State) -> tuple[str, ...]:
        """The directories that the file adds for what it brings along."""

    def asks_around(self, state: State) -> bool:
        """Whether inherited directories are searched for what the file needs itself."""

    def holds(self, directory: str, name: str) -> bool:
        """Whether a directory has a library of that name."""


def follow(roots: Sequence[State], searcher: Searcher) -> Chains:
    """All that can be from `roots` on: root by root, each breadth first.

    Inherited directories that have nothing of what a file and all below it ask for make no other state. What is asked for is
    known after the search only, so it is repeated until that stays the same.
    """
    asked: dict[str, frozenset[str]] = {}
    while True:
        chains = _explore(roots, searcher, asked)
        more = {file: names | asked.get(file, frozenset()) for file, names in _asked(chains.steps, searcher).items()}
        if all(names == asked.get(file, frozenset()) for file, names in more.items()):
            return chains
        asked = {**asked, **more}


def names_below(steps: Steps) -> dict[str, set[str]]:
    """All names that each file, and what it brings, asks for, wherever they are found."""
    names: dict[str, set[str]] = {}
    brought: dict[tuple[str, str], None] = {}
    for state, found in steps.items():
        names.setdefault(state.file, set()).update(found)
        brought.update(((state.file, step.file), None) for step in found.values() if step.file and not step.opened)
    grown = True
    while grown:
        grown = False
        for requester, file in brought:
            before = len(names[requester])
            names[requester] |= names[file]
            grown = grown or len(names[requester]) > before
    return names


def _explore(roots: Sequence[State], searcher: Searcher, asked: Mapping[str, frozenset[str]]) -> Chains:
    begun: dict[State, None] = {}
    steps: dict[State, dict[str, Step]] = {}

    def useful(directories: Iterable[str], file: str) -> tuple[str, ...]:
        names = asked.get(file, frozenset())
        each = dict.fromkeys(directories)
        return tuple(folder for folder in each if any(searcher.holds(folder, name) for name in names))

    for root in roots:
        queue = deque([root._replace(inherited=useful(root.inherited, root.file))])
        begun[queue[0]] = None
        while queue:
            state = queue.popleft()
            if state in steps:
                continue
            found = steps[state] = {}
            onward = (*searcher.passed_on(state), *state.inherited)
            for name in searcher.names(state):
                step = searcher.look(name, state)
                if step.file is not None and step.found is not None:
                    inherited = state.process.passed_on if step.opened else onward
                    following = State(step.file, step.found.path, useful(inherited, step.file), state.process)
                    step = step._replace(next=following)
                    queue.append(following)
                found[name] = step
    return Chains(tuple(begun), steps)


def _asked(steps: Steps, searcher: Searcher) -> dict[str, frozenset[str]]:
    """The names that each file, and what it brings, looks for in directories that it inherits."""
    asked: dict[str, set[str]] = {}
    brought: dict[tuple[str, tuple[str, ...], str], None] = {}
    for state, found in steps.items():
        own = searcher.passed_on(state)
        names = asked.setdefault(state.file, set())
        if searcher.asks_around(state):
            names.update(name for name in found if not any(searcher.holds(folder, name) for folder in own))
        for step in found.values():
            if step.file is not None and not step.opened:
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
    return {file: frozenset(names) for file, names in asked.items()}
