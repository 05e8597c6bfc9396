"""The contents of a bundle: its paths, its binaries and what they need, and the components that it is made of."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bundler.entries import Layer
from bundler.floor import FloorDemand
from bundler.manifest import USUAL_MODE, Manifest
from bundler.sbom import Component
from bundler.trees import MANIFEST


class FileKind(enum.Enum):
    """What a file is, in words that people know."""

    MODULE = "Python module"
    COMPILED = "compiled module"
    EXTENSION = "extension module"
    LIBRARY = "shared library"
    PROGRAM = "program"
    SCRIPT = "script"
    METADATA = "metadata"
    HEADER = "header"
    DATA = "data"
    LINK = "link"


class Item(NamedTuple):
    """One path of a bundle."""

    path: str
    size: int
    """Bytes; 0 for a link."""
    layer: Layer
    owner: str
    """Name of the distribution that it belongs to; "" for what belongs to none: the runtime, and libraries of the host."""
    kind: FileKind
    origin: str
    """As `bundle.json` has it: `env:…`, `base:…`, `host:…`, `bundler`; "" for what came after the pack."""
    reason: str = ""
    """Why the pack changed it; "" for a file that is as it was."""
    link: str | None = None
    """The target of a link."""
    sha256: str = ""
    """In hexadecimal; "" for a link."""
    mode: int = USUAL_MODE
    """Permission bits, as `bundle.json` has them; of what came after the pack those that it has now."""


class Place(enum.Enum):
    """Where a needed library is found."""

    BUNDLE = "in the bundle"
    HOST = "left to the host"
    MISSING = "found nowhere"


class Need(NamedTuple):
    """A library that a binary names."""

    name: str
    """As the binary has it: `libz.so.1`."""
    place: Place
    path: str = ""
    """The bundle path of the file that the loader takes; "" where it is none of the bundle's."""


class Binary(NamedTuple):
    """A file that a loader reads, and what it asks for."""

    path: str
    needs: tuple[Need, ...]
    demand: FloorDemand | None = None
    """The latest release of libc (or of the system) that it asks for, and the symbol that does; None where it asks for none."""


class Distribution(NamedTuple):
    """An installed distribution, as its own metadata tell it."""

    name: str
    version: str
    metadata: str
    """The bundle path of its folder `.dist-info`, or of what came before: `.egg-info`."""
    requires: tuple[str, ...] = ()
    """What it requires (Requires-Dist), as it is written."""
    extras: tuple[str, ...] = ()
    """Names of its extras."""
    is_requested: bool = False
    """Whether somebody named it to the installer (REQUESTED); False, too, where the installer does not tell."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a bundle holds. Everything is in the order of paths, and of names."""

    name: str
    """What the bundle is called: the last part of the path that it was read from."""
    manifest: Manifest
    items: tuple[Item, ...]
    """Every file and link that is there, `bundle.json` among them."""
    binaries: Mapping[str, Binary]
    """By bundle path."""
    distributions: tuple[Distribution, ...]
    components: tuple[Component, ...]

    @property
    def size(self) -> int:
        """Bytes of all files, `bundle.json` among them."""
        return sum(item.size for item in self.items)

    @property
    def files(self) -> int:
        """How many there are, without `bundle.json`: as `verify` and `pack` count."""
        return sum(1 for item in self.items if item.link is None and item.path != MANIFEST)

    @property
    def links(self) -> int:
        """How many there are."""
        return sum(1 for item in self.items if item.link is not None)
