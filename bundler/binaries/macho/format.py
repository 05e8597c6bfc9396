"""Mach-O, as the rest of the program asks of a format. See `binaries.format`."""

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
from bundler.binaries.macho.image import Image, is_macho, read_image
from bundler.binaries.macho.planner import plan_patch
from bundler.binaries.macho.request import edits_of
from bundler.binaries.macho.signature import signature_fault
from bundler.binaries.reading import read_there
from bundler.binaries.request import PatchOutcome, Request

if TYPE_CHECKING:
    from bundler.platforms import Platform


class _MachO:
    """See `binaries.format.Format`."""

    name = "Mach-O"
    options = frozenset({"--set-id", "--change", "--add-rpath", "--remove-rpath", "--delete-rpath", "--thin"})

    def recognises(self, head: bytes) -> bool:
        """By the magic number; a Java class file begins like a fat file, and is none."""
        return is_macho(head)

    def platform(self, file: BinaryIO) -> Platform:
        """MacOS with the machine of each slice."""
        from bundler.binaries.macho.machines import read_platform

        return read_platform(file)

    def read_image(self, file: BinaryIO) -> Image:
        """Dyld's view of each slice."""
        return read_image(file)

    def faults(self, file: BinaryIO, image: Image) -> tuple[str, ...]:
        """What is wrong with the slices' signatures. The whole file is read."""
        found = (signature_fault(file, part) for part in image.slices)
        return tuple(fault for fault in found if fault is not None)

    def names_symbol(self, file: BinaryIO, image: Image, symbol: str) -> bool:
        """By the first slice's __LINKEDIT; C's names have an underscore in front there."""
        part = image.slices[0]
        linkedit = part.segment("__LINKEDIT")
        if linkedit is None:
            return False
        return b"_" + symbol.encode() + b"\0" in read_there(file, part.offset + linkedit.fileoff, linkedit.filesize)

    def symbol_versions(self, file: BinaryIO, image: Image, *, with_symbols: bool) -> SymbolVersions:
        """None: names of Mach-O say which library they are from, and of no version."""
        return NO_VERSIONS

    def functions(self, file: BinaryIO, image: Image, names: Collection[bytes]) -> Functions:
        """None: headers tell the release that the file needs."""
        return NO_FUNCTIONS

    def facts(self, file: BinaryIO) -> BinaryFacts:
        """What dyld reads; of a fat file each name that any slice has."""
        image = read_image(file)
        return BinaryFacts(
            format="Mach-O",
            machine=", ".join(image.architectures),
            rpath=":".join(dict.fromkeys(rpath for part in image.slices for rpath in part.rpaths)) or None,
            needed=tuple(dict.fromkeys(dylib.name for part in image.slices for dylib in part.dylibs)),
            soname=next((part.install_name for part in image.slices if part.install_name is not None), None),
            interpreter=None,
        )

    def description(self, file: BinaryIO) -> Description:
        """What dyld reads of each slice, and who signed it."""
        from bundler.binaries.macho.description import describe

        return describe(file, read_image(file))

    def plan(self, file: BinaryIO, path: str, request: Request) -> PatchOutcome | None:
        """The patch, with a new ad-hoc signature of every slice that changes."""
        image = read_image(file)
        found = plan_patch(file, image, edits_of(request, image))
        if found is None:
            return None
        lost = f"the signature of {found.lost_identity} became an ad-hoc one"
        notes = (lost,) if found.lost_identity else ()
        return PatchOutcome(found.patch, "load commands", found.explanation, (), notes)


FORMAT: Format[Image] = _MachO()
