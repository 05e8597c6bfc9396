"""What the checks of an operating system see of a finished bundle."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from bundler.binaries.format import Functions, SymbolVersions
from bundler.bundle_paths import BundleRoot
from bundler.ceiling import NO_CEILING, Ceiling
from bundler.floor import Floor
from bundler.scheme import BundleScheme
from bundler.systems.libraries import NeededBy, UnprovidedVersion


class Wheel(NamedTuple):
    """What a file was installed from."""

    name: str
    version: str
    platforms: tuple[str, ...]
    """The platforms that it was made for, as its tags name them (`manylinux_2_34_x86_64`); none where it does not say."""


@dataclass(frozen=True, slots=True)
class Told:
    """What `bundle.json` tells of a bundle's binaries, and what came after it."""

    machine: str = ""
    """The name of the machine that the bundle is for."""
    floor: Floor | None = None
    ceiling: Ceiling = NO_CEILING
    packed: Set[str] = frozenset()
    """Bundle paths of all that was packed."""
    installed: Set[str] = frozenset()
    """Bundle paths of files that installers brought after the pack."""
    libraries: Set[str] = frozenset()
    """Bundle paths of files that are there, and were libraries when they were packed."""


NOTHING_TOLD = Told()


class BundleView(Protocol):
    """What a check sees of a finished bundle."""

    @property
    def root(self) -> BundleRoot:
        """Where it lies; for an archive a place where nothing is."""

    @property
    def scheme(self) -> BundleScheme:
        """Its layout."""

    @property
    def python(self) -> tuple[int, int]:
        """The version of its Python, X and Y."""

    @property
    def extension_suffixes(self) -> tuple[str, ...]:
        """How the names of its Python's extension modules end."""

    @property
    def host_libraries(self) -> Collection[str]:
        """Names that are left to the host."""

    @property
    def loader(self) -> str:
        """The bundle path of the loader that comes along with libc; "" where the target's are used."""

    @property
    def told(self) -> Told:
        """What `bundle.json` tells of it."""

    @property
    def host_libc(self) -> Floor | None:
        """The oldest libc of a target that is used in place of the one that comes along; None where none is."""

    @property
    def missing(self) -> Collection[NeededBy]:
        """What the source did not find either."""

    @property
    def unprovided(self) -> Collection[UnprovidedVersion]:
        """Versions of symbols that the source's libraries did not have either."""

    @property
    def unbound(self) -> Mapping[str, Collection[str]]:
        """Symbols that files ask for when they are loaded, by bundle path, and that nothing has in the source either."""

    @property
    def open_file(self) -> Callable[[str], BinaryIO] | None:
        """Opens the file at a bundle path; None for a bundle in an archive, which is read once."""

    @property
    def images(self) -> Mapping[str, object]:
        """The headers of every binary of a known format, by bundle path in order."""

    @property
    def versions(self) -> Mapping[str, SymbolVersions]:
        """The versions of symbols that binaries need and have, by bundle path; those that have none are left out."""

    @property
    def functions(self) -> Mapping[str, Functions]:
        """What binaries take from others, and have, of `systems.functions`, by bundle path; such as have none are left out."""

    @property
    def binary_faults(self) -> Mapping[str, tuple[str, ...]]:
        """Why the system would refuse to load binaries, in words, by bundle path in order: signatures that are not true."""

    @property
    def texts(self) -> Mapping[str, bytes]:
        """The content of files that configure the bundle or a distribution, by bundle path in order."""

    @property
    def scripts(self) -> Mapping[str, bytes]:
        """The beginnings of scripts, and small programs as a whole, by bundle path in order; not what was added to the bundle."""

    def follow(self, path: str) -> str | None:
        """The bundle path behind the links of a bundle path; None where it leads out, nowhere or in a circle."""

    def wheel_of(self, path: str) -> Wheel | None:
        """What the file at a bundle path was installed from; None for one of no distribution."""

    def needed_by(self, path: str) -> Sequence[str]:
        """Bundle paths of what needs a library of the host that came along; nothing for any other file."""
