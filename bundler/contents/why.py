"""Why something is in a bundle: who needs it, and who needs that, up to what a person installed.

A library is needed by binaries, a binary belongs to a distribution, and that is required by others. What was opened at run time, or
comes along with a library, says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from bundler.bundle_paths import folder_among
from bundler.contents.model import Contents, Distribution, FileKind, Item, Place
from bundler.contents.names import Meant, meant
from bundler.contents.parts import Part, part_finder
from bundler.contents.requirements import Requirements
from bundler.plan.origins import HOST
from bundler.quantities import counted, human_size

_FARTHEST = 64
"""So many steps up are followed: nobody reads farther, and a bundle may be anybody's."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One that needs something, and why it is there itself."""

    name: str
    """A bundle path, the name of a distribution or a part, or that of a library which is none of the bundle's."""
    what: str
    """What it is: `shared library`, `distribution`, `standard library`."""
    how: str = ""
    """How it needs the one below which it stands: the name that it asks for, or what it requires."""
    facts: tuple[str, ...] = ()
    """What is known of it: its size, its origin, the release that it asks for."""
    is_requested: bool = False
    """Whether a person named it to the installer."""
    is_told: bool = False
    """Whether its own causes are not told here: they stand where it comes first, or are very far away."""
    causes: tuple[Cause, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """For `--json`. `told` marks one whose causes stand where it comes first."""
        return {
            "name": self.name,
            "what": self.what,
            **({"how": self.how} if self.how else {}),
            **({"facts": list(self.facts)} if self.facts else {}),
            **({"requested": True} if self.is_requested else {}),
            **({"told": True} if self.is_told else {}),
            "needed_by": [cause.to_dict() for cause in self.causes],
        }


def why(contents: Contents, name: str) -> tuple[Cause, ...]:
    """Why what is called `name` is in a bundle: one cause for each thing that has the name (see `names.meant`).

    Raises UnknownName.
    """
    return tuple(_Asking(contents).about(meant(contents, name)))


class _Edge(NamedTuple):
    """Who needs a file, and how."""

    path: str
    how: str


class _Asking:
    """Follows needs upwards. What was told once is not told again: needs may be circles, and have many ways to one place."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._items = {item.path: item for item in contents.items}
        self._distributions = {each.name: each for each in contents.distributions}
        self._requirements = Requirements(contents)
        self._part_of = part_finder(contents)
        self._edges = _edges(contents)
        self._packages = {
            fact.path: (fact.package.text,) for fact in contents.manifest.bundled if fact.package is not None
        }
        self._told: set[str] = set()

    def about(self, found: Meant) -> Iterator[Cause]:
        """What a name means."""
        if found.distribution is not None:
            cause = self._distribution(found.distribution)
            yield replace(cause, facts=tuple(self._facts_of(found.distribution, cause)))
        for item in found.items:
            yield self._file(item)
        for name in found.outside:
            yield self._outside(name)

    def _facts_of(self, distribution: Distribution, cause: Cause) -> Iterator[str]:
        """How large it is, and what else may have brought it where nothing surely did."""
        own = [item for item in self._contents.items if item.owner == distribution.name]
        yield human_size(sum(item.size for item in own))
        yield counted(sum(item.link is None for item in own), "file")
        extras = self._requirements.extras_for(distribution.name)
        if extras and not cause.causes and not cause.is_requested:
            yield f"extras that nothing in the bundle asks for would require it: {', '.join(extras)}"

    def _outside(self, name: str) -> Cause:
        """A library that is none of the bundle's."""
        needs = [(each, need) for each in self._contents.binaries.values() for need in each.needs if need.name == name]
        places = dict.fromkeys(need.place.value for _, need in needs if need.place is not Place.BUNDLE)
        causes = (self._file(self._items[each.path]) for each, need in needs if need.place is not Place.BUNDLE)
        return Cause(name, FileKind.LIBRARY.value, facts=tuple(places), causes=tuple(causes))

    def _file(self, item: Item, how: str = "", steps: int = 0) -> Cause:
        """A file, and what needs it; what no file needs is there for what it belongs to."""
        if item.path in self._told or steps > _FARTHEST:
            return Cause(item.path, item.kind.value, how, is_told=True)
        self._told.add(item.path)
        edges = self._edges.get(item.path, {})
        causes = [self._file(self._items[path], each, steps + 1) for path, each in edges.items() if path in self._items]
        if not causes and (owner := self._owner(item, steps + 1)) is not None:
            causes.append(owner)
        return Cause(item.path, item.kind.value, how, tuple(self._facts(item)), causes=tuple(causes))

    def _facts(self, item: Item) -> Iterator[str]:
        yield f"link to {item.link}" if item.link is not None else human_size(item.size)
        if item.origin.startswith(HOST):
            yield item.origin
            yield from self._packages.get(item.path, ())
        elif item.owner in self._distributions:
            yield f"of {item.owner}"
        binary = self._contents.binaries.get(item.path)
        if binary is not None and binary.demand is not None:
            yield f"asks for {self._system} {binary.demand.text} ({binary.demand.reason})"

    @property
    def _system(self) -> str:
        floor = self._contents.manifest.floor
        return floor.system if floor is not None else self._contents.manifest.libc or self._contents.manifest.system

    def _owner(self, item: Item, steps: int) -> Cause | None:
        """What a file belongs to; None for a library that came along because others need it."""
        owner = self._distributions.get(item.owner)
        if owner is not None:
            return self._distribution(owner, steps=steps)
        part = self._part_of(item)
        if part is None or part is Part.HOST:
            return None
        return Cause(part.value, "part of Python" if part in _OF_PYTHON else "part of the bundle")

    def _distribution(self, distribution: Distribution, how: str = "", steps: int = 0) -> Cause:
        """A distribution, and what requires it."""
        key = f"\0{distribution.name}"  # no path has a NUL
        name = f"{distribution.name} {distribution.version}".strip()
        if key in self._told or steps > _FARTHEST:
            return Cause(name, "distribution", how, is_requested=distribution.is_requested, is_told=True)
        self._told.add(key)
        causes = []
        for required in self._requirements.of(distribution.name):
            extra = f", by its extra {required.extra}" if required.extra else ""
            if required.by.name != distribution.name:
                causes.append(self._distribution(required.by, f"requires {required.text}{extra}", steps + 1))
        return Cause(name, "distribution", how, (), distribution.is_requested, causes=tuple(causes))


_OF_PYTHON = (Part.INTERPRETER, Part.STANDARD_LIBRARY, Part.HEADERS)


def _edges(contents: Contents) -> dict[str, dict[str, str]]:
    """By bundle path of a file: what needs it, by bundle path, and how. Links lead to what they lead to."""
    found: dict[str, dict[str, str]] = {}
    for binary in contents.binaries.values():
        for need in binary.needs:
            if need.path and need.path != binary.path:
                found.setdefault(need.path, {}).setdefault(binary.path, f"needs {need.name}")
    manifest = contents.manifest
    for opened in manifest.opened:
        if opened.library:
            found.setdefault(opened.library, {}).setdefault(opened.path, f"opens {opened.sonames[0]} at run time")
    companions = {fact.path: fact for fact in manifest.companions}
    for item in contents.items:
        folder = folder_among(item.path, companions)
        if folder is not None and item.path != companions[folder].library:
            fact = companions[folder]
            found.setdefault(item.path, {}).setdefault(fact.library, f"opens {fact.what}")
    for library in manifest.bundled:
        if library.path not in found:
            for path in library.needed_by:
                # Where nothing is known that asks for it, it came along for the interpreter's process.
                how = (
                    "opens it at run time, or it was named to the pack"
                    if path == manifest.python.executable
                    else "needs it"
                )
                found.setdefault(library.path, {}).setdefault(path, how)
    return found
