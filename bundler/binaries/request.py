"""What a person may ask of the patcher, in words that do not depend on a binary's format.

The file's own format decides: each one has a module that turns these words into its own edits, and says which
of them it understands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from bundler.binaries.patch import Patch
from bundler.errors import BinaryFormatError, CannotPatch


@dataclass(frozen=True, slots=True)
class Request:
    """The words. Each field is one option of `bundler patch`, with its name; a default means that it was not given."""

    set_rpath: str | None = None
    add_rpath: tuple[str, ...] = ()
    remove_rpath: bool = False
    shrink_rpath: bool = False
    allowed_prefix: tuple[str, ...] = ()
    runpath: bool = False
    rpath: bool = False
    add_needed: tuple[str, ...] = ()
    remove_needed: tuple[str, ...] = ()
    replace_needed: tuple[tuple[str, str], ...] = ()
    set_soname: str | None = None
    set_interpreter: str | None = None
    clear_symbol_version: tuple[str, ...] = ()
    set_id: str | None = None
    change: tuple[tuple[str, str], ...] = ()
    delete_rpath: tuple[str, ...] = ()
    thin: str | None = None

    def given(self) -> list[str]:
        """The names of the words that were given, as options: `--set-rpath`."""
        fields = [field for field in dataclasses.fields(self) if getattr(self, field.name) != field.default]
        return ["--" + field.name.replace("_", "-") for field in fields]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A patch and how it is done: `method` in a word, `explanation` in a sentence, `reasons` why not more cheaply.

    `notes` tell what else comes of it.
    """

    patch: Patch
    method: str
    explanation: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be printed of a binary; None and () where it has none."""

    format: str
    machine: str
    rpath: str | None
    """The search path that the loader uses, directories joined by colons."""
    needed: tuple[str, ...]
    soname: str | None
    interpreter: str | None
    more: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    """Facts that only this format has, by name."""


class Format(Protocol):
    """A binary format that can be patched."""

    @property
    def name(self) -> str:
        """As a person calls it: `ELF`."""

    @property
    def options(self) -> frozenset[str]:
        """The options that the format understands, as `Request.given` names them."""

    def plan(self, file: BinaryIO, path: str, request: Request) -> Outcome | None:
        """The patch of the seekable `file` at `path`; None for no change. Raises CannotPatch and BinaryFormatError."""

    def facts(self, file: BinaryIO) -> Facts:
        """What can be printed of the file."""


def format_of(head: bytes) -> Format:
    """The format of a file that begins with `head` (8 bytes); BinaryFormatError for none that can be patched."""
    if head.startswith(b"\x7fELF"):  # asked here, so that no other format is imported for it
        from bundler.binaries.elf.request import ELF

        return ELF
    from bundler.binaries.macho import is_macho

    if is_macho(head):
        from bundler.binaries.macho.request import MACH_O

        return MACH_O
    raise BinaryFormatError(f"neither an ELF nor a Mach-O file; it begins with {head.hex(' ')}")


def plan(file: BinaryIO, path: str, request: Request) -> Outcome | None:
    """The patch that `request` asks for of the seekable `file`, which lies at `path`; None for no change.

    Raises CannotPatch where its format does not know a word, or it cannot be done; BinaryFormatError for a broken file.
    """
    file.seek(0)
    form = format_of(file.read(8))
    foreign = [option for option in request.given() if option not in form.options]
    if foreign:
        raise CannotPatch(f"{', '.join(foreign)}: no such thing in a file of the format {form.name}")
    return form.plan(file, path, request)


def facts(file: BinaryIO) -> Facts:
    """What can be printed of the seekable `file`; BinaryFormatError where it is of no known format."""
    file.seek(0)
    return format_of(file.read(8)).facts(file)
