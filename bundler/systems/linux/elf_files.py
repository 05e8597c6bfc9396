"""ELF files of a bundle as values, and what of their contents the closure asks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from bundler.binaries.elf import Image
from bundler.binaries.elf.image import string_table
from bundler.binaries.reading import read_at
from bundler.errors import BinaryFormatError
from bundler.files import opened
from bundler.machine import os
from bundler.machine.failing import unless_failing


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF file of the bundle: its bundle path, the name by which the source's loader finds it, its headers."""

    path: str
    source: str
    image: Image
    brought: bool = False
    """Whether other files bring it: it is no program, and nothing that Python opens by itself."""

    @property
    def is_program(self) -> bool:
        """Whether the kernel starts it: it names a program interpreter, and not by being a library."""
        return self.image.interpreter is not None and ".so" not in os.path.basename(self.path)


def names_symbol(path: str, image: Image, symbols: Collection[bytes]) -> bool:
    """Whether the file at `path` on this machine, with these headers, has a dynamic symbol of one of these names.

    A name may be the end of another one, so this is true for a few files too many.
    """
    try:
        with opened(path) as file:
            offset, size = string_table(image.segments, image.numbers)
            names = read_at(file, offset, size, "the dynamic string table")
    except (OSError, BinaryFormatError) as error:
        unless_failing(error, path)
        return False
    return any(symbol + b"\0" in names for symbol in symbols)
