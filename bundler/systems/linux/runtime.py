"""Which file of a bundle holds Python: the program itself, or a libpython that it loads."""

from __future__ import annotations

from collections.abc import Mapping

from bundler.scheme import BundleScheme
from bundler.systems.linux.elf_files import ElfFile


def libpython_of(program: ElfFile, files: Mapping[str, ElfFile], scheme: BundleScheme) -> ElfFile | None:
    """The libpython that `program` needs, out of `files` (by bundle path); None for one that holds Python itself."""
    places = (f"{scheme.libraries}/{name}" for name in program.image.needed)
    return next((files[place] for place in places if place in files), None)
