"""PE, as the rest of the program asks of a format. See `binaries.format`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, BinaryIO

from bundler.binaries.format import (
    NO_FUNCTIONS,
    NO_VERSIONS,
    BinaryFacts,
    Description,
    Format,
    Functions,
    SymbolVersions,
)
from bundler.binaries.pe.headers import read_headers
from bundler.binaries.pe.image import Image, is_pe, read_image
from bundler.binaries.pe.planner import plan_patch
from bundler.binaries.pe.request import edits_of
from bundler.binaries.request import PatchOutcome, Request
from bundler.machine import os

if TYPE_CHECKING:
    from bundler.platforms import Platform


class _Pe:
    """See `binaries.format.Format`."""

    name = "PE"
    options = frozenset({"--replace-needed"})

    def recognises(self, head: bytes) -> bool:
        """By the place of the PE header, which stands in the DOS header."""
        return is_pe(head)

    def platform(self, file: BinaryIO) -> Platform:
        """Windows with the file's machine."""
        from bundler.binaries.pe.machines import platform_of

        return platform_of(read_headers(file, file.seek(0, os.SEEK_END)))

    def read_image(self, file: BinaryIO) -> Image:
        """The loader's view."""
        return read_image(file)

    def faults(self, file: BinaryIO, image: Image) -> tuple[str, ...]:
        """None: what Windows loads does not depend on a signature."""
        return ()

    def names_symbol(self, file: BinaryIO, image: Image, symbol: str) -> bool:
        """By the names of exports and imports, which are C's."""
        from bundler.binaries.pe.tables import exported_names, imported_names

        if image.exports is not None and symbol in exported_names(file, image.headers, image.exports):
            return True
        return any(symbol in imported_names(file, image.headers, dll) for dll in image.imports)

    def symbol_versions(self, file: BinaryIO, image: Image, *, with_symbols: bool) -> SymbolVersions:
        """None: PE has no versions of names."""
        return NO_VERSIONS

    def functions(self, file: BinaryIO, image: Image, names: Collection[bytes]) -> Functions:
        """None: headers tell the release that the file needs."""
        return NO_FUNCTIONS

    def facts(self, file: BinaryIO) -> BinaryFacts:
        """What the loader reads: DLLs of the import table, then delayed ones; the soname is the export directory's name."""
        from bundler.binaries.pe.description import machine_name

        image = read_image(file)
        return BinaryFacts(
            format="PE",
            machine=machine_name(image.headers),
            rpath=None,
            needed=tuple(dict.fromkeys((*image.needed, *image.delayed))),
            soname=image.name,
            interpreter=None,
        )

    def description(self, file: BinaryIO) -> Description:
        """What the loader reads, the file's version, and whether its checksum is true."""
        from bundler.binaries.pe.description import describe

        return describe(file, read_image(file))

    def plan(self, file: BinaryIO, path: str, request: Request) -> PatchOutcome | None:
        """The patch, without a signature."""
        found = plan_patch(file, read_image(file), edits_of(request))
        if found is None:
            return None
        return PatchOutcome(found.patch, found.method, found.explanation, found.reasons, found.notes)


FORMAT: Format[Image] = _Pe()
