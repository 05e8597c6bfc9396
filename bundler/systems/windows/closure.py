"""The closure of a Windows environment: every DLL that its files ask for, and where Windows finds it in the bundle.

What lies in the environment stays where it is: there the search of the bundle is that of the source. From outside come only what
lies beside the source's own Python, and Microsoft's redistributable runtimes out of System32. They go into the program's own
folder, at which every search looks.

A **conflict** is what that would change: in the source, a package gets a DLL of its own out of a folder that it adds
(`os.add_dll_directory`), and another one gets the DLL of the same name out of System32, which is searched last. Beside
`python.exe` the latter would win over the former. Then it goes into the folders of the modules that ask for it, which are searched
first, and by nobody else. Only where such a folder is itself one that is added does it get a name of its own, by which the files
there ask for it.

That a process takes the first of two DLLs of one name for both is no conflict here: it is so in the source as well, and told as a
clash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bundler.binaries.pe import Image
from bundler.binaries.pe.edits import folded
from bundler.bundle_paths import join
from bundler.files import opened
from bundler.machine import os
from bundler.systems.libraries import (
    BundledLibrary,
    Clash,
    InBundle,
    LibraryFacts,
    Location,
    Missing,
    NeededBy,
    OnHost,
    Preloaded,
    is_listed,
)
from bundler.systems.windows.policy import is_never_searched, redistributable, stays_with_windows
from bundler.systems.windows.search import MODULE_SUFFIX, Asking, Folders, Lookup, Packages, added_folders, resolve_all

_DIGITS = 8
"""Of the digest in a name of its own."""


@dataclass(frozen=True, slots=True)
class SourceDll:
    """A DLL of the source."""

    path: str
    """On this machine."""
    image: Image
    of_windows: bool = False
    """Whether it lies in Windows' own folders."""

    @property
    def name(self) -> str:
        """Its file's name."""
        return os.path.basename(self.path)

    def digest(self) -> bytes:
        """SHA-256 of the file."""
        with opened(self.path) as file:
            return hashlib.sha256(file.read()).digest()


class SourceFiles(Packages, Protocol):
    """What the source has, beside the files of the bundle."""

    def find(self, name: str) -> SourceDll | None:
        """The DLL of a name beside the source's Python, or else in Windows' own folders; None where there is none."""

    def inside(self, path: str) -> SourceDll:
        """The DLL that is taken for a bundle path."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything found."""

    facts: LibraryFacts
    images: Mapping[str, Image]
    """The headers of the bundled libraries, by bundle path."""
    renames: Mapping[str, Mapping[str, str]]
    """New names of DLLs, by the bundle path of the file that asks for them and by their old names."""
    clashes: tuple[Clash, ...]
    absent: tuple[NeededBy, ...]
    """What is found nowhere, and looked for at its first use only."""


@dataclass(slots=True)
class _Taken:
    """What comes from outside, as it comes to be known."""

    sources: dict[str, SourceDll] = field(default_factory=dict)
    """By bundle path."""
    needed_by: dict[str, dict[str, None]] = field(default_factory=dict)
    """Bundle paths of those that ask, by bundle path."""
    renames: dict[str, dict[str, str]] = field(default_factory=dict)

    def take(self, path: str, dll: SourceDll, requester: str | None) -> None:
        self.sources.setdefault(path, dll)
        names = self.needed_by.setdefault(path, {})
        if requester is not None:
            names[requester] = None


def find_closure(
    images: Mapping[str, Image],
    python: str,
    files: SourceFiles,
    bundled_folder: str,
    *,
    excluded: frozenset[str] = frozenset(),
    included: Sequence[SourceDll] = (),
) -> Closure:
    """The closure of `images`: by bundle path, with the Python program `python` among them.

    `included` comes along although nothing asks for it; `excluded` are file names that are left to Windows.
    """
    taken = _Taken()
    for dll in included:
        taken.take(join(bundled_folder, dll.name), dll, None)
    hosts = frozenset(map(folded, excluded))
    while True:
        everything = {**images, **{path: dll.image for path, dll in taken.sources.items()}}
        lookups = list(resolve_all(everything, python, files, taken.sources))
        answers = _Answers(lookups, everything, python, files, taken.sources, hosts)
        known = len(taken.sources)
        for lookup in answers.lookups:
            if answers.is_open(lookup):
                _take(lookup, answers, taken)
        if len(taken.sources) == known:
            return _told(answers, taken)


class _Answers:
    """What every file asks for and gets, and what follows from it."""

    def __init__(
        self,
        lookups: list[Lookup],
        images: Mapping[str, Image],
        python: str,
        files: SourceFiles,
        taken: Mapping[str, SourceDll],
        hosts: frozenset[str],
    ) -> None:
        self.lookups = lookups
        self.python = python
        self.files = files
        self.hosts = hosts
        self._taken = taken
        self._folders = Folders(images)
        self._folders_of_delvewheel = added_folders(images)
        self._added = self._from_added()

    def is_left(self, name: str) -> bool:
        """Whether the user leaves the DLL of a name to Windows."""
        return is_listed(folded(name), self.hosts)

    def is_open(self, lookup: Lookup) -> bool:
        """Whether a DLL is found neither in the bundle nor, for sure, in Windows."""
        is_found = lookup.found is not None or stays_with_windows(lookup.name) is not None
        return not is_found and not self.is_left(lookup.name)

    def dll(self, path: str) -> SourceDll:
        """The DLL at a bundle path."""
        return self._taken.get(path) or self.files.inside(path)

    def anywhere(self, lookup: Lookup) -> str | None:
        """A file of a name anywhere in the bundle."""
        return next(iter(self._folders.named(lookup.name)), None)

    def outside(self, lookup: Lookup) -> SourceDll | None:
        """What comes along for a name: what lies beside the source's Python, or one of Microsoft's runtimes.

        A program in another folder does not look beside Python, and gets the runtimes from there for a lack of others.
        """
        dll = self.files.find(lookup.name)
        if dll is None or redistributable(lookup.name) is not None:
            return dll
        is_beside = os.path.dirname(self.python) == lookup.search.application and not dll.of_windows
        return dll if is_beside else None

    def has_rival(self, lookup: Lookup, dll: SourceDll) -> bool:
        """Whether, beside Python, `dll` would win over another DLL of its name that a package gets from a folder it adds."""
        rivals = self._added.get(folded(lookup.name), ()) if lookup.search.program == self.python else ()
        return bool(rivals) and any(self.dll(path).digest() != dll.digest() for path in rivals)

    def is_added(self, folder: str) -> bool:
        """Whether a folder is one that a package adds."""
        found = (os.path.dirname(path) for paths in self._added.values() for path in paths)
        return folder in self._folders_of_delvewheel or folder in found

    def _from_added(self) -> dict[str, dict[str, None]]:
        """Bundle paths of what modules find in folders that are added, or may be, by name.

        What else has its DLLs beforehand is opened by its package, when that has loaded them.
        """
        found: dict[str, dict[str, None]] = {}
        for lookup in self.lookups:
            path = lookup.found
            if lookup.beforehand and not lookup.requester.lower().endswith(MODULE_SUFFIX):
                continue
            if path is not None and os.path.dirname(path) not in (lookup.search.first, lookup.search.application):
                found.setdefault(folded(lookup.name), {})[path] = None
        return found


def _take(lookup: Lookup, answers: _Answers, taken: _Taken) -> None:
    """Give a place to what comes from outside for a name that is not found in the bundle."""
    dll = answers.outside(lookup)
    if dll is None:
        return
    search = lookup.search
    if not answers.has_rival(lookup, dll):
        taken.take(join(search.application, dll.name), dll, lookup.requester)
    elif search.first != search.application and not answers.is_added(search.first):
        taken.take(join(search.first, dll.name), dll, lookup.requester)
    else:
        stem, suffix = os.path.splitext(dll.name)
        own = f"{stem}-{dll.digest().hex()[:_DIGITS]}{suffix}"
        taken.take(join(search.application, own), dll, lookup.requester)
        taken.renames.setdefault(lookup.requester, {})[folded(lookup.name)] = own


def _told(answers: _Answers, taken: _Taken) -> Closure:
    needs: dict[str, dict[str, Location]] = {}
    absent: dict[NeededBy, None] = {}
    for lookup in answers.lookups:
        name = folded(lookup.name)
        known = needs.setdefault(lookup.requester, {})
        own = taken.renames.get(lookup.requester, {}).get(name)
        location = InBundle(join(lookup.search.application, own)) if own is not None else _location(lookup, answers)
        if not isinstance(location, Missing):
            known[name] = known[name] if isinstance(known.get(name), InBundle) else location
        elif lookup.asking is Asking.AT_ONCE:
            known.setdefault(name, location)
        elif lookup.asking is Asking.DELAYED:
            absent[NeededBy(lookup.requester, name)] = None
    bundled = tuple(
        BundledLibrary(path, dll.path, (), tuple(sorted(taken.needed_by[path])))
        for path, dll in sorted(taken.sources.items())
    )
    left = {name for found in needs.values() for name, location in found.items() if isinstance(location, OnHost)}
    hosts = tuple(sorted({*left, *answers.hosts}))
    return Closure(
        LibraryFacts(bundled, needs, hosts),
        {path: dll.image for path, dll in taken.sources.items()},
        taken.renames,
        tuple(_clashes(answers)),
        tuple(absent),
    )


def _location(lookup: Lookup, answers: _Answers) -> Location:
    if answers.is_left(lookup.name) or is_never_searched(lookup.name):
        return OnHost()
    if lookup.found is not None:
        return Preloaded(lookup.found) if lookup.beforehand else InBundle(lookup.found)
    if stays_with_windows(lookup.name) is not None:
        return OnHost()
    outside = answers.files.find(lookup.name)
    if redistributable(lookup.name) is not None or (outside is not None and outside.of_windows):
        return OnHost()
    path = answers.anywhere(lookup)
    return Preloaded(path) if path is not None else Missing()


def _clashes(answers: _Answers) -> Iterator[Clash]:
    """Names by which different files of Python's process get different DLLs: whatever comes first serves them all."""
    found: dict[str, dict[str, None]] = {}
    for lookup in answers.lookups:
        if lookup.found is not None and lookup.search.program == answers.python:
            found.setdefault(folded(lookup.name), {})[lookup.found] = None
    for name, paths in sorted(found.items()):
        first, *others = sorted(paths)
        digests = {path: answers.dll(path).digest() for path in (first, *others)} if others else {}
        other = next((path for path in others if digests[path] != digests[first]), None)
        if other is not None:
            yield Clash(name, first, other)
