"""The closure of a macOS environment: every library that its files ask for, and where dyld finds it there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bundler.binaries.macho import DylibKind, Image
from bundler.machine import os
from bundler.systems.libraries import (
    BundledLibrary,
    FreeNames,
    InBundle,
    LibraryFacts,
    Location,
    Missing,
    OnHost,
    Preloaded,
    is_listed,
)
from bundler.systems.macos.dyld import LoadedImage, is_system, resolve_all


class SourceFiles(Protocol):
    """The Mach-O files of the source, by the paths by which its dyld knows them."""

    def find(self, name: str) -> LoadedImage | None:
        """The Mach-O file at a path; None where there is none."""

    def real(self, name: str) -> str:
        """The file on this machine, links followed."""

    def bundle_path(self, name: str) -> str | None:
        """Where the file is taken along already; None where it is not."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything found: the facts for the plan, and the headers of the bundled libraries by bundle path."""

    facts: LibraryFacts
    images: Mapping[str, Image]


@dataclass(frozen=True, slots=True)
class _Places:
    """Where libraries of the host go in the bundle: each under its own name, in a folder of its own where two share one."""

    names: FreeNames
    by_source: dict[str, str] = field(default_factory=dict)

    def place(self, source: str, name: str) -> str:
        """The bundle path of the file at `source`."""
        if source not in self.by_source:
            folder, _ = self.names.folder_for((name,), source)
            self.by_source[source] = f"{folder}/{name}"
            self.names.taken[f"{folder}/{name}"] = source
        return self.by_source[source]


def find_closure(
    images: Mapping[str, LoadedImage],
    program: LoadedImage,
    libpython: LoadedImage | None,
    files: SourceFiles,
    bundled_folder: str,
    *,
    excluded: frozenset[str] = frozenset(),
    included: Sequence[LoadedImage] = (),
) -> Closure:
    """The closure of `images`: by bundle path, with the paths by which the source's dyld knows them.

    `included` comes along although nothing asks for it; `excluded` are file names that are left to the host.
    """
    resolved = resolve_all([*images.values(), *included], program, libpython, files.find)
    places = _Places(FreeNames(bundled_folder))

    def place(item: LoadedImage) -> str:
        return files.bundle_path(item.path) or places.place(files.real(item.path), os.path.basename(item.path))

    provided = {name: path for path, item in images.items() for name in _own_names(item)}
    taken: dict[str, LoadedImage] = {}
    needs: dict[str, dict[str, Location]] = {}
    needed_by: dict[str, dict[str, None]] = {}
    host: dict[str, None] = {}
    left = deque([*images.items(), *((place(item), item) for item in included)])
    while left:
        requester, item = left.popleft()
        if requester in needs:
            continue
        taken[requester] = item
        found = needs[requester] = {}
        for dylib in item.dylibs:
            name = dylib.name
            target = None if is_system(name) else resolved[item.path][name]
            if is_system(name) or is_listed(os.path.basename(name), excluded):
                host[name] = None
                found[name] = OnHost()
            elif target is not None:
                found[name] = InBundle(place(target))
                needed_by.setdefault(place(target), {})[requester] = None
                left.append((place(target), target))
            elif name in provided or os.path.basename(name) in provided:
                found[name] = Preloaded(provided.get(name) or provided[os.path.basename(name)])
            elif dylib.kind is not DylibKind.WEAK:
                found[name] = Missing()
    bundled = tuple(
        BundledLibrary(path, source, (), tuple(sorted(needed_by.get(path, ()))))
        for path, source in sorted(places.names.taken.items())
    )
    facts = LibraryFacts(bundled, needs, tuple(sorted(host)))
    return Closure(facts, {library.path: taken[library.path].image for library in bundled})


def _own_names(item: LoadedImage) -> Iterable[str]:
    """What an image that is loaded already answers to: its install name, and its file's name."""
    yield from (part.install_name for part in item.image.slices if part.install_name)
    yield os.path.basename(item.path)
