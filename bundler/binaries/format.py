"""What the rest of the program asks of a binary format. Each format answers in a folder of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from bundler.binaries.request import PatchOutcome, Request
    from bundler.platforms import Platform

Description = Mapping[str, str | list[str] | None]
"""Facts of a file by name, ready for JSON."""


@dataclass(frozen=True, slots=True)
class BinaryFacts:
    """What `bundler patch` can print of a binary; None and () where the file has none."""

    format: str
    machine: str
    rpath: str | None
    """The search path that the loader uses, directories joined by colons."""
    needed: tuple[str, ...]
    soname: str | None
    interpreter: str | None
    more: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    """Facts that only this format has, by name."""


class NeededVersion(NamedTuple):
    """A version of symbols that a file needs of a library, by that one's name."""

    library: str
    name: str
    is_weak: bool = False
    """Whether the file is loaded without."""
    symbols: tuple[str, ...] = ()
    """What it needs it for, where that was asked for."""
    number: int = 0
    """What symbols of the file have for it (DT_VERSYM); 0 where nobody says."""


@dataclass(frozen=True, slots=True)
class SymbolVersions:
    """The versions of symbols that a file needs of others, and those that it has for others."""

    needed: tuple[NeededVersion, ...] = ()
    defined: frozenset[str] = frozenset()
    """None at all where the loader asks for none: then it takes what there is."""


NO_VERSIONS = SymbolVersions()


class Functions(NamedTuple):
    """Which of some functions a file takes from others, not weakly, and which it has."""

    asked: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()


NO_FUNCTIONS = Functions()


class BinaryImage(Protocol):
    """The headers of a file, as its format reads them. Only code that knows the format looks further."""

    @property
    def size(self) -> int:
        """Size of the file in bytes."""


Image = TypeVar("Image", bound=BinaryImage)


class Format(Protocol[Image]):
    """A binary format.

    Each method that takes a seekable `file` reads it anew and leaves its position anywhere. Each raises
    BinaryFormatError where the file is damaged.
    """

    @property
    def name(self) -> str:
        """What a person calls the format: `ELF`."""

    @property
    def options(self) -> frozenset[str]:
        """The options of `bundler patch` that the format understands, as `Request.given` names them."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with `head` (`formats.HEAD_SIZE` bytes, or the whole file) is of this format."""

    def platform(self, file: BinaryIO) -> Platform:
        """The platform for which the file is built."""

    def read_image(self, file: BinaryIO) -> Image:
        """The headers of the file."""

    def faults(self, file: BinaryIO, image: Image) -> tuple[str, ...]:
        """Why the system would refuse to load the file, in words: a signature that is not true. `image` was read of it."""

    def names_symbol(self, file: BinaryIO, image: Image, symbol: str) -> bool:
        """Whether the file's linker symbols hold `symbol`, in C's spelling, defined or not. `image` was read of the file."""

    def symbol_versions(self, file: BinaryIO, image: Image, *, with_symbols: bool) -> SymbolVersions:
        """The versions of symbols that the file needs and has; for which symbols only where that is asked for."""

    def functions(self, file: BinaryIO, image: Image, names: Collection[bytes]) -> Functions:
        """Which of `names` the file takes from others, and has; none where versions of symbols tell more. `image` was read."""

    def facts(self, file: BinaryIO) -> BinaryFacts:
        """What `bundler patch` can print of the file."""

    def description(self, file: BinaryIO) -> Description:
        """What `bundler inspect` prints of the file."""

    def plan(self, file: BinaryIO, path: str, request: Request) -> PatchOutcome | None:
        """The patch that does `request` to the file, which lies at `path`; None for no change. Raises CannotPatch."""
