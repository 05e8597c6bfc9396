"""The names that shall change in a file, and which of them can stay where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bundler.binaries.pe import structs as s
from bundler.binaries.pe.edits import Renaming
from bundler.binaries.pe.image import Image, ImportedDll
from bundler.binaries.pe.tables import Forwarder
from bundler.machine import os

_NAME_FIELD = {False: 3, True: 1}
"""Of the name in a descriptor, by whether the DLL is delayed."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """What changes: everything has its old text in it, and the new one beside it."""

    imports: tuple[tuple[ImportedDll, str], ...]
    forwarders: tuple[tuple[Forwarder, str], ...]

    def __bool__(self) -> bool:
        return bool(self.imports or self.forwarders)


def renamed(image: Image, renaming: Renaming) -> Renamed:
    """The DLLs and forwarders of a file that get other texts."""
    forwarders = image.exports.forwarders if image.exports is not None else ()
    imports = ((dll, renaming.of_dll(dll.name)) for dll in image.imports)
    exports = ((forwarder, renaming.of_forwarder(forwarder.text)) for forwarder in forwarders)
    return Renamed(
        tuple((dll, new) for dll, new in imports if new != dll.name),
        tuple((forwarder, new) for forwarder, new in exports if new != forwarder.text),
    )


def overwritten(image: Image, texts: Mapping[int, tuple[str, str]]) -> dict[int, bytes] | None:
    """The bytes by address that turn texts (old and new, by their address) into the new ones in their place.

    None where one is longer, or shares its bytes with another one.
    """
    if any(len(os.fsencode(new)) > len(os.fsencode(old)) for old, new in texts.values()):
        return None
    if texts.keys() & _sharing(image):
        return None
    return {at: os.fsencode(new).ljust(len(os.fsencode(old)) + 1, b"\0") for at, (old, new) in texts.items()}


def _sharing(image: Image) -> set[int]:
    """The addresses of texts that share bytes with another one."""
    found: set[int] = set()
    last, end = 0, 0
    for at, text in sorted(_known(image).items()):
        if at < end:
            found |= {last, at}
        if at + len(os.fsencode(text)) + 1 > end:
            last, end = at, at + len(os.fsencode(text)) + 1
    return found


def _known(image: Image) -> dict[int, str]:
    """Every text that the tables name, by its address."""
    found = {dll.name_address: dll.name for dll in image.imports}
    if image.exports is not None:
        found[image.exports.directory[4]] = image.exports.name
        found |= {forwarder.address: forwarder.text for forwarder in image.exports.forwarders}
    return found


class Texts:
    """New texts that need a place: where each begins in one block of bytes."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._places: dict[bytes, int] = {}

    def add(self, text: str) -> int:
        """Where in the block the text begins; it is there once."""
        data = os.fsencode(text) + b"\0"
        if data not in self._places:
            self._places[data] = len(self.data)
            self.data += data
        return self._places[data]


def with_name(image: Image, dll: ImportedDll, address: int | None) -> bytes:
    """The descriptor of a DLL that was renamed, with its name at an address (None: where it was), bound to no DLL any more."""
    fields = list(dll.descriptor)
    if address is not None:
        fields[_NAME_FIELD[dll.delayed]] += address - dll.name_address
    return _packed(dll, fields)


def unbound(dll: ImportedDll) -> bytes:
    """The descriptor of a DLL, bound to no DLL any more."""
    return _packed(dll, list(dll.descriptor))


def _packed(dll: ImportedDll, fields: list[int]) -> bytes:
    if dll.delayed:
        fields[7] = 0
        return s.DELAY_DESCRIPTOR.pack(*fields)
    if dll.bound:
        fields[1] = fields[2] = 0
    return s.IMPORT_DESCRIPTOR.pack(*fields)


def moved_exports(image: Image, texts: Sequence[str], address: int) -> tuple[bytes, list[int]]:
    """The export directory at another address with all forwarders behind it; where each of these, `texts`, is.

    A function is a forwarder where its address lies in the directory, so all of them move with it. All other tables stay.
    """
    assert image.exports is not None
    block = Texts()
    places = [address + s.EXPORT_DIRECTORY.size + block.add(text) for text in texts]
    return s.EXPORT_DIRECTORY.pack(*image.exports.directory) + bytes(block.data), places
