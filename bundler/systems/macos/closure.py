"""The closure of a macOS environment: every library that its files ask for, and where dyld finds it there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bundler.binaries.macho import DylibKind, Image
from bundler.systems.linux.closure import BUNDLED, Inside, Location, Missing, OnHost, Preloaded
from bundler.systems.macos.dyld import LoadedImage, is_system, resolve_all


@dataclass(frozen=True, slots=True)
class BundledDylib:
    """A library of the host that comes along: `source` is the real file on this machine."""

    path: str
    source: str
    image: Image
    needed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DylibClosure:
    """Everything found. `needs` is by bundle path, then by install name; `host` are the system's libraries that are used."""

    bundled: tuple[BundledDylib, ...]
    needs: Mapping[str, Mapping[str, Location]]
    host: tuple[str, ...]


@dataclass
class _Places:
    """Where libraries of the host go in the bundle: each under its own name, in a folder of its own where two share one."""

    taken: dict[str, str] = field(default_factory=dict)
    """Bundle path: path on this machine."""

    def place(self, source: str, name: str) -> str:
        for path, other in self.taken.items():
            if other == source:
                return path
        path, number = f"{BUNDLED}/{name}", 2
        while path in self.taken:
            path, number = f"{BUNDLED}/{number}/{name}", number + 1
        self.taken[path] = source
        return path


def find_dylibs(
    images: Mapping[str, LoadedImage],
    program: LoadedImage,
    libpython: LoadedImage | None,
    find: Callable[[str], LoadedImage | None],
    bundle_path: Callable[[str], str | None],
    real: Callable[[str], str],
    excluded: Container[str] = frozenset(),
    included: Sequence[LoadedImage] = (),
) -> DylibClosure:
    """The closure of `images`: by bundle path, with the paths by which the source's dyld knows them.

    `find` gives the Mach-O file at such a path, `bundle_path` where it is taken along already, `real` the file on this machine.
    `included` comes along although nothing asks for it; `excluded` are file names that are left to the host.
    """
    resolved = resolve_all([*images.values(), *included], program, libpython, find)
    places = _Places()

    def place(item: LoadedImage) -> str:
        return bundle_path(item.path) or places.place(real(item.path), os.path.basename(item.path))

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
            if is_system(name) or os.path.basename(name) in excluded:
                host[name] = None
                found[name] = OnHost()
            elif target is not None:
                found[name] = Inside(place(target))
                needed_by.setdefault(place(target), {})[requester] = None
                left.append((place(target), target))
            elif name in provided or os.path.basename(name) in provided:
                found[name] = Preloaded(provided.get(name) or provided[os.path.basename(name)])
            elif dylib.kind is not DylibKind.WEAK:
                found[name] = Missing()
    bundled = tuple(
        BundledDylib(path, source, taken[path].image, tuple(sorted(needed_by.get(path, ()))))
        for path, source in sorted(places.taken.items())
    )
    return DylibClosure(bundled, needs, tuple(sorted(host)))


def _own_names(item: LoadedImage) -> Iterable[str]:
    """What an image that is loaded already answers to: its install name, and its file's name."""
    yield from (part.install_name for part in item.image.slices if part.install_name)
    yield os.path.basename(item.path)
