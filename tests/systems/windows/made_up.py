"""A made-up source of Windows: a bundle's files, what lies outside, and what comes of it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bundler.binaries.pe import Image, read_image
from bundler.binaries.pe.edits import folded
from bundler.systems.libraries import Location
from bundler.systems.windows.closure import Closure, SourceDll, find_closure
from tests.binaries.pe.samples import make_pe

PYTHON, LIBPYTHON = "python.exe", "python312.dll"
SITE = "Lib/site-packages"


@dataclass
class Source:
    """Files by bundle path, DLLs of System32 and beside the source's Python by name; all are written below `folder`."""

    folder: Path
    files: dict[str, bytes] = field(default_factory=dict)
    windows: dict[str, bytes] = field(default_factory=dict)
    beside: dict[str, bytes] = field(default_factory=dict)
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Folders that are added, by owner: the first part below `site-packages`."""
    excluded: frozenset[str] = frozenset()
    included: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.files = {PYTHON: make_pe([LIBPYTHON], dll=False), LIBPYTHON: make_pe(), **self.files}

    def closure(self) -> Closure:
        images = {path: self._written("files", path, data).image for path, data in self.files.items()}
        included = [found for name in self.included if (found := self.find(name)) is not None]
        return find_closure(images, PYTHON, self, "", excluded=self.excluded, included=included)

    def find(self, name: str) -> SourceDll | None:
        for kind in ("beside", "windows"):
            for other, data in getattr(self, kind).items():
                if folded(other) == folded(name):
                    return self._written(kind, other, data)
        return None

    def inside(self, path: str) -> SourceDll:
        return self._written("files", path, self.files[path])

    def owner_of(self, path: str) -> str:
        below = path.removeprefix(SITE + "/")
        return below.partition("/")[0].removesuffix(".libs") if below != path and "/" in below else ""

    def added_for(self, path: str) -> tuple[str, ...]:
        return self.added.get(self.owner_of(path), ())

    def _written(self, kind: str, path: str, data: bytes) -> SourceDll:
        place = self.folder / kind / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return SourceDll(str(place), image_of(data), kind == "windows")


def image_of(data: bytes) -> Image:
    return read_image(io.BytesIO(data))


def needs_of(closure: Closure, path: str) -> Mapping[str, Location]:
    return closure.facts.needs[path]


def bundled(closure: Closure) -> dict[str, str]:
    """Where what comes from outside lies, and what it is, by its folder and name on the disk."""
    return {library.path: "/".join(library.source.split("/")[-2:]) for library in closure.facts.bundled}


def asking(closure: Closure) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Who asks for each."""
    for library in closure.facts.bundled:
        yield library.path, library.needed_by


def leaf(text: str) -> bytes:
    """A DLL that needs nothing, told from others by a text."""
    return make_pe(text=os.fsencode(text))
