"""What stops a bundle on a newer or another machine: what its files ask for that not every machine gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that is asked for by its name, and the bundle path of the first file that does."""

    name: str
    file: str


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a bundle asks for. Files are bundle paths, in order."""

    executable_stacks: tuple[str, ...] = ()
    """Files that ask for an executable stack: glibc 2.41 and later refuse to open them."""
    unmarked_stacks: tuple[str, ...] = ()
    """Files that ask for one by saying nothing: they have no flag that could be cleared."""
    cpu_level: Demand | None = None
    """The highest level of processors that a file names (`x86-64-v3`), above the lowest."""
    unknown_versions: tuple[Demand, ...] = ()
    """Features of the loader (`GLIBC_ABI_…`) that are not known: a newer libc than the floor says has them."""
    text_relocations: tuple[str, ...] = ()
    """Files whose code the loader writes to."""
    writable_code: tuple[str, ...] = ()
    """Files with memory that can be written to and executed."""


NO_CEILING = Ceiling()
"""That of a bundle which asks for nothing of the kind."""
