"""The binary formats that bundler knows: one line each. A format's folder is imported when the first such file is met."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from bundler.binaries.format import BinaryFacts, Format
from bundler.errors import BinaryFormatError, CannotPatch

if TYPE_CHECKING:
    from bundler.binaries.request import PatchOutcome, Request

HEAD_SIZE = 64
"""Bytes of a file's beginning from which `detect` tells its format."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _KnownFormat:
    """One line of the list."""

    name: str
    """See `Format.name`."""
    module: str
    """The module that holds the format, as FORMAT."""
    magics: tuple[bytes, ...]
    """The bytes with which every file of the format begins. Files of other formats may begin so, too."""


_MACH_O_MAGICS = (
    *(b"\xfe\xed\xfa\xce", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe"),
    *(b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"),
)
_FORMATS = (
    _KnownFormat("ELF", "bundler.binaries.elf.format", (b"\x7fELF",)),
    _KnownFormat("Mach-O", "bundler.binaries.macho.format", _MACH_O_MAGICS),
    _KnownFormat("PE", "bundler.binaries.pe.format", (b"MZ",)),
)

FORMAT_NAMES = f"{', '.join(known.name for known in _FORMATS[:-1])} or {_FORMATS[-1].name}"
"""The names of all formats, for messages: `ELF, Mach-O or PE`."""


def detect(head: bytes) -> Format[Any] | None:
    """The format of a file that begins with `head` (HEAD_SIZE bytes, or the whole file); None for no binary.

    The image type is the format's own: what its `read_image` gives is what its other methods take.
    """
    for known in _FORMATS:
        if head.startswith(known.magics):
            found = _loaded(known.module)
            if found.recognises(head):
                return found
    return None


@functools.cache
def _loaded(module: str) -> Format[Any]:
    """The format in a module: each file asks for it."""
    found: Format[Any] = importlib.import_module(module).FORMAT
    return found


def plan(file: BinaryIO, path: str, request: Request) -> PatchOutcome | None:
    """The patch that `request` asks for of the seekable `file`, which lies at `path`; None for no change.

    Raises CannotPatch where its format does not know a word, or it cannot be done; BinaryFormatError for a broken file.
    """
    found = _format_of(file)
    foreign = [option for option in request.given() if option not in found.options]
    if foreign:
        raise CannotPatch(f"{', '.join(foreign)}: no such thing in a file of the format {found.name}")
    return found.plan(file, path, request)


def facts(file: BinaryIO) -> BinaryFacts:
    """What can be printed of the seekable `file`; BinaryFormatError where it is of no known format."""
    return _format_of(file).facts(file)


def _format_of(file: BinaryIO) -> Format[Any]:
    file.seek(0)
    head = file.read(HEAD_SIZE)
    found = detect(head)
    if found is None:
        raise BinaryFormatError(f"no {FORMAT_NAMES} file; it begins with {head[:_SHOWN].hex(' ')}")
    return found
